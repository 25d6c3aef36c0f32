"""The console script and ``python -m osupgrade``. It imports nothing that takes time before signals are taken."""

from __future__ import annotations

import os
import signal
import sys


def _at_once(_number: int, _frame: object) -> None:
    """End while even what handles signals is not imported yet; from main() on, osupgrade.model.interrupt does that."""
    os.write(2, b"osupgrade: interrupted; nothing had been started\n")
    os._exit(130)


for _number in (signal.SIGINT, signal.SIGTERM):
    if signal.getsignal(_number) is not signal.SIG_IGN:
        signal.signal(_number, _at_once)

from osupgrade.model import interrupt  # noqa: E402


def main() -> None:
    """Run the command line and exit with its status."""
    interrupt.install()
    from osupgrade.cli import run  # the libraries behind it take most of a second to import
    from osupgrade.cli.streams import drained, forgiving

    forgiving()
    status = drained(run(sys.argv[1:]))
    if status == interrupt.STATUS:
        interrupt.leave()  # not by way of threads that still wait for something that was removed
    interrupt.ignore()
    sys.exit(status)


if __name__ == "__main__":
    main()
