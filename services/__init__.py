"""The four services. None imports another: what one must know of another travels as an event."""
