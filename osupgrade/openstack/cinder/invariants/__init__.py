"""Invariants of cinder, one a file."""
