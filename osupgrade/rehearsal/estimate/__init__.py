"""How long the night will take in production: measured, fitted over scales, carried over to the operator's host."""
