"""What one sees on a terminal: a view while a command runs, and a verdict that fits on one screen."""
