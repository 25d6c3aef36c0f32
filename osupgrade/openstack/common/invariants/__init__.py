"""Invariants that need several services, one a file."""
