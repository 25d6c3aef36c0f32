"""``python -m osupgrade``: the same as the console script."""

from osupgrade.cli import main

main()
