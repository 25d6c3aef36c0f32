"""Clouds made by a first release's own code, and their multiplication by SQL."""
