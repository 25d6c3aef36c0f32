"""What the lab knows of cinder."""
