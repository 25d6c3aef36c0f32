"""``python -m osupgrade.cli``."""

from osupgrade.cli import main

main()
