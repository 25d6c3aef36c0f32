"""Invariants of nova, one a file."""
