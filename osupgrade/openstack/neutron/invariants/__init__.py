"""Invariants of neutron, one a file."""
