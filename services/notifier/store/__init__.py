"""All SQL of notifier: named queries here, what they take and give in one module for each part of the service."""

from pathlib import Path

from shared.sql import load_queries

queries = load_queries(Path(__file__).parents[1] / "queries")
