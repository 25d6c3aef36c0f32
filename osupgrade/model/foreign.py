"""Code of somebody else's, such as an operator's own scenario, in this process: it may raise or do anything.

Whatever it raises is a fault of that code and no end of ours, be it SystemExit, KeyboardInterrupt or an exception below
``BaseException``; so is a call of ``os._exit``. Only a real signal passes through.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import NoReturn

from osupgrade.model import interrupt

IMPORT_SECONDS = 60
"""For a file that only has to say what it holds."""

_exit = os._exit
_inside = threading.local()


def raised_by_it(fault: BaseException) -> bool:
    """Whether foreign code raised this by itself: no signal came that had it raised."""
    return isinstance(fault, Exception) or not interrupt.interrupting()


@contextlib.contextmanager
def contained(seconds: float = 0) -> Iterator[None]:
    """Run foreign code that cannot end the process; where ``seconds`` are given, TimeoutError ends one that takes more.

    Only the main thread can be held to a time.
    """
    os._exit = _refused
    outer = getattr(_inside, "process", 0)
    _inside.process = os.getpid()
    try:
        with _within(seconds) if seconds else contextlib.nullcontext():
            yield
    finally:
        _inside.process = outer


def _refused(status: int) -> NoReturn:
    if getattr(_inside, "process", 0) == os.getpid():
        raise SystemExit(f"os._exit({status})")
    _exit(status)


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(_number: int, _frame: object) -> None:
        raise TimeoutError(f"it had not ended after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
