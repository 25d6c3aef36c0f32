"""A failing run packed so that it fails elsewhere in the same way, and shrunk to the few rows that it takes."""
