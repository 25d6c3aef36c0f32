"""Ctrl-C and SIGTERM, from the first instruction to the last: one sentence, status 130, nothing left behind.

Until a command is at work nothing has been started, and the process ends on the spot. While it works, the first signal
raises KeyboardInterrupt, so that everything that was started is removed; the second says that this goes on; the third
ends the process and leaves the rest to the reaper. Imports little, because it comes before everything else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

STATUS = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)
AGAIN_SECONDS = 0.05
_exit = os._exit  # whatever somebody's own code puts in its place


class _State:
    """What the handler knows. One for the process, as signals are."""

    working = False
    done = False
    """Whether a command has ended, and only what it printed may be on its way."""
    signals = 0
    shields = 0
    waiting = False
    """Whether a signal came under a shield and has yet to be raised."""


def install() -> None:
    """Take both signals from now on; a shell that starts a command in the background has it ignore SIGINT."""
    for number in SIGNALS:
        signal.signal(number, _handle)
    sys.unraisablehook = _raised_where_nobody_catches


@contextlib.contextmanager
def at_work() -> Iterator[None]:
    """While a command runs: a signal raises KeyboardInterrupt in it. Handlers are put back afterwards."""
    before = {number: signal.signal(number, _handle) for number in SIGNALS}
    hook, sys.unraisablehook = sys.unraisablehook, _raised_where_nobody_catches
    _State.working, _State.done, _State.signals, _State.waiting = True, False, 0, False
    try:
        yield
    finally:
        _State.working, _State.done = False, True
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """Finish what must not be cut in two, such as making something and noting that it is there; raise afterwards.

    A second signal is not held back: what is being waited for may never come.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _State.shields += 1
    try:
        yield
    finally:
        _State.shields -= 1
        if _State.waiting and not _State.shields:
            _State.waiting = False
            raise KeyboardInterrupt


def interrupted() -> bool:
    """Whether a signal has come since the command began its work."""
    return _State.signals > 0


def interrupting() -> bool:
    """Whether a signal is ending the command that is at work."""
    return _State.working and interrupted()


def ignore() -> None:
    """The status is known, and nothing is left to do: the interpreter, as it ends, would let a signal kill it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def leave() -> None:
    """End the process now, with what was printed."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    _exit(STATUS)


def _handle(_number: int, _frame: object) -> None:
    if not _State.working:
        if not _State.done:
            _say("osupgrade: interrupted; nothing had been started")
        _exit(STATUS)
    _State.signals += 1
    if _State.signals == 1:
        if _State.shields:
            _State.waiting = True
            return
        raise KeyboardInterrupt
    if _State.signals == 2:
        _say("osupgrade: still cleaning up; press Ctrl-C again to leave that to a background process")
        if _State.waiting:
            _State.waiting = False
            raise KeyboardInterrupt
        return
    _exit(STATUS)


def _raised_where_nobody_catches(unraisable: sys.UnraisableHookArgs) -> None:
    """Python drops what is raised in a destructor or a callback; an interruption must not be lost there."""
    if unraisable.exc_type is not None and issubclass(unraisable.exc_type, KeyboardInterrupt):
        _State.signals = 0
        # A real signal: _thread.interrupt_main() does not end a wait that has begun.
        main = threading.main_thread().ident or 0
        timer = threading.Timer(AGAIN_SECONDS, signal.pthread_kill, (main, signal.SIGINT))
        timer.daemon = True
        timer.start()
        return
    sys.__unraisablehook__(unraisable)


def _say(text: str) -> None:
    # Not through sys.stderr: the signal may have come in the middle of a write to it.
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())
