"""The console script and ``python -m osupgrade``. It imports nothing that takes time before signals are taken."""

from __future__ import annotations

import sys

from osupgrade.model import interrupt


def main() -> None:
    """Run the command line and exit with its status."""
    interrupt.install()
    from osupgrade.cli import run  # the libraries behind it take most of a second to import
    from osupgrade.cli.streams import drained, forgiving

    forgiving()
    status = drained(run(sys.argv[1:]))
    if status == interrupt.STATUS:
        interrupt.leave()  # not by way of threads that still wait for something that was removed
    sys.exit(status)


if __name__ == "__main__":
    main()
