"""Pure: slots, verdicts, attribution, and what an outage asks for."""
