"""Invariants of keystone, one a file."""
