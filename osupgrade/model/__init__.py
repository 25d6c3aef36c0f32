"""The words of the lab as plain, immutable values. Nothing here knows Docker, a database or files."""
