"""Where contacts come from, one module each."""
