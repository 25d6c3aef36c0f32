"""What the lab knows of placement."""
