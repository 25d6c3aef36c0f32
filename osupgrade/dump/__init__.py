"""What an operator has in his files: read, restored, sanitized and written back."""
