"""What holds across services."""
