"""Pure: what a message says."""
