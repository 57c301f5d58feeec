"""Wire contracts and plumbing that at least two services need; it knows no service."""
