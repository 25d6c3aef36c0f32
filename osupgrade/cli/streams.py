"""Standard output and error as a command needs them: whatever happens to who reads them, and in whatever locale."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import sys
import unicodedata
from typing import TextIO

from osupgrade.model.errors import Exit

_PLAIN = {
    "\u2026": "...",
    "\u2192": "->",
    "\u2190": "<-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u00d7": "x",
    "\u2713": "+",
    "\u2717": "x",
    "\u2022": "*",
    "\u00b7": "*",
}
_ERRORS = "osupgrade.plain"


class _Pipe(io.FileIO):
    """A descriptor whose reader may go away, as ``head`` does: what is written from then on is dropped.

    The command goes on, because its evidence is in files and its exit status is still wanted. With ``any_fault`` that
    is so for every other reason too why nothing can be written.
    """

    any_fault = False

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as fault:
            if not self.any_fault and not isinstance(fault, BrokenPipeError):
                raise
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return memoryview(data).nbytes  # type: ignore[arg-type]


def forgiving() -> None:
    """Let both streams outlive their readers, and write what a locale has no character for as plain text."""
    codecs.register_error(_ERRORS, _in_plain_text)
    sys.stdout = _forgiving(sys.stdout, any_fault=False)
    sys.stderr = _forgiving(sys.stderr, any_fault=True)  # nobody could be informed


def drained(status: int) -> int:
    """The exit status once all that was printed has left the process: another one where it could not."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as fault:
        _give_up()
        reason = "the disk is full" if fault.errno in (errno.ENOSPC, errno.EDQUOT) else fault.strerror
        with contextlib.suppress(OSError):
            print(f"osupgrade: cannot write to the standard output: {reason}", file=sys.stderr)
        return int(Exit.MISSING)
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            sys.stderr.flush()
    return status


def _forgiving(stream: TextIO, *, any_fault: bool) -> TextIO:
    if stream is None or not isinstance(stream, io.TextIOWrapper):
        return stream  # closed by whoever started this, or a test's own
    stream.flush()
    pipe = _Pipe(stream.fileno(), "w", closefd=False)
    pipe.any_fault = any_fault
    return io.TextIOWrapper(
        io.BufferedWriter(pipe),
        encoding=stream.encoding,
        errors=_ERRORS,
        line_buffering=stream.line_buffering,
    )


def _give_up() -> None:
    """Else the interpreter tries again at its end, and says so in words of its own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _in_plain_text(fault: UnicodeError) -> tuple[str, int]:
    assert isinstance(fault, UnicodeEncodeError)
    return "".join(_plain(letter) for letter in fault.object[fault.start : fault.end]), fault.end


def _plain(letter: str) -> str:
    if letter in _PLAIN:
        return _PLAIN[letter]
    if unicodedata.category(letter) == "Zs":
        return " "
    return letter.encode("ascii", "backslashreplace").decode()
