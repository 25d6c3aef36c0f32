"""What the lab knows of glance."""
