"""What the lab knows of neutron."""
