"""What an operator has in files: read, restored, sanitized and written back."""
