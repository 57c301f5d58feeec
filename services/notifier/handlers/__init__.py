"""The ways in, each: lock → decide → record, in one transaction."""
