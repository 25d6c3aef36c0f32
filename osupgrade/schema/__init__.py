"""What a database's schema is, how it differs from upstream's, and what an upgrade does to the difference."""
