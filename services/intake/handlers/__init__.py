"""The ways in, one module each: lock → decide → record, in one transaction."""
