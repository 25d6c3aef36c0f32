"""Invariants of glance, one a file."""
