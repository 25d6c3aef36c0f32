"""``python -m osupgrade.cli``."""

from osupgrade.__main__ import main

main()
