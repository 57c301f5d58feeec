"""Tells the people on call until somebody acknowledges. A duplicate beats a loss; "unknown" is a state of its own."""
