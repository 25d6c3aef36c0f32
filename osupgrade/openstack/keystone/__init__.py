"""What the lab knows of keystone."""
