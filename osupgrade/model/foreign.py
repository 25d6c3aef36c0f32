"""Foreign code in this process, such as an operator's own scenario: it may raise or do anything.

Whatever it raises is a fault of that code and no end of ours, be it SystemExit, KeyboardInterrupt or an exception below
``BaseException``; so is a call of ``os._exit``, and so is never coming to an end. Only a real signal passes through.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Generic, NoReturn, TypeVar

from osupgrade.model import interrupt

IMPORT_SECONDS = 60
"""For a file that only has to say what it holds."""
_LAST_SECONDS = 3.0
"""What code whose time is over gets to end; then it is left to itself in its thread."""
_AGAIN_SECONDS = 0.1

_T = TypeVar("_T")
_exit = os._exit
_inside = threading.local()


class TookTooLong(BaseException):
    """Foreign code had not ended in its time. No Exception, so that it does not catch this by accident."""

    place = ""
    """File and line of the scenario.py at which it was then; empty where it was in none."""


def raised_by_it(fault: BaseException) -> bool:
    """Whether foreign code raised this by itself: no signal came that had it raised."""
    return isinstance(fault, Exception) or not interrupt.interrupting()


def contained(work: Callable[[], _T], seconds: float = 0, end: Callable[[int], None] | None = None) -> _T:
    """What foreign code returns or raises; it cannot end the process.

    With ``seconds`` it runs in a thread of its own, and TookTooLong is raised when it takes longer. Then, and when a
    signal comes, ``end`` is given the number of that thread, to end what it waits for elsewhere.
    """
    if not seconds:
        with _guarded():
            return work()
    guest = _Guest(work)
    guest.start()
    try:
        guest.join(seconds)
    except BaseException:
        guest.end(end)
        raise
    if guest.is_alive():
        late = TookTooLong(f"it had not ended after {seconds:g} s")
        late.place = guest.place()
        guest.end(end)
        guest.join(_LAST_SECONDS)
        guest.given_up.set()
        raise late
    if guest.fault is not None:
        raise guest.fault
    return guest.results[0]


class _Guest(threading.Thread, Generic[_T]):
    """A thread in which foreign code runs; nobody waits for it at the end of the process."""

    def __init__(self, work: Callable[[], _T]) -> None:
        super().__init__(name="foreign code", daemon=True)
        self.results: list[_T] = []
        self.fault: BaseException | None = None
        self.given_up = threading.Event()
        self._work = work

    def run(self) -> None:
        try:
            with _guarded():
                self.results.append(self._work())
        except BaseException as fault:
            self.fault = fault

    def place(self) -> str:
        """File and line of the scenario.py at which it is; empty where it is in none."""
        frames = traceback.walk_stack(sys._current_frames().get(self.ident or 0))
        places = (f"{frame.f_code.co_filename}:{line}" for frame, line in frames)
        return next((place for place in places if place.rpartition(":")[0].endswith("scenario.py")), "")

    def end(self, elsewhere: Callable[[int], None] | None) -> None:
        """Raise TookTooLong in it until it ends or is given up, and end what it waits for elsewhere."""
        threading.Thread(target=self._end, args=(elsewhere,), daemon=True).start()

    def _end(self, elsewhere: Callable[[int], None] | None) -> None:
        assert self.ident is not None
        while self.is_alive() and not self.given_up.is_set():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(TookTooLong))
            if elsewhere:
                with contextlib.suppress(Exception):  # it may have gone, or the whole server
                    elsewhere(self.ident)
            self.join(_AGAIN_SECONDS)


@contextlib.contextmanager
def _guarded() -> Iterator[None]:
    os._exit = _refused
    outer = getattr(_inside, "process", 0)
    _inside.process = os.getpid()
    try:
        yield
    finally:
        _inside.process = outer


def _refused(status: int) -> NoReturn:
    if getattr(_inside, "process", 0) == os.getpid():
        raise SystemExit(f"os._exit({status})")
    _exit(status)
