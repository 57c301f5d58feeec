"""Ways to reach a client's directory; each runs apart, because a hung mount hangs whoever touches it."""
