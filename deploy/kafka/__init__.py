"""Topics of the public contract."""
