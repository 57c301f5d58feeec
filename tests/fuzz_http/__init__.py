"""Fuzzing of intake's HTTP interface with schemathesis, from its own OpenAPI document."""
