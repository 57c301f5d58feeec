"""Channels to people, one small module each, all of one shape: send → Result."""
