"""Invariants of placement."""
