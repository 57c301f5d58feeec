"""Pure: when an alert gets louder, who is told when, and what proves a link."""
