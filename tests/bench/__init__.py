"""Measurements on a real broker and a real database, each with its baseline in the same run."""
