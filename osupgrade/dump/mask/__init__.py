"""Masks: what values, names and definitions become under a key. Nothing in here talks to a database."""
