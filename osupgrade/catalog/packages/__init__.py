"""What an operator's controller has installed, and what of it stays old when a release's packages are put over it."""
