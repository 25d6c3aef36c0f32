"""What the lab knows of nova."""
