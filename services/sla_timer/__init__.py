"""Response and action clocks for every ticket: warnings, breaches and why."""
