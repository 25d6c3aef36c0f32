"""What comes through a pipe: standard input, a FIFO, a process substitution. It is kept, since it is needed twice.

It is kept in a file without a name, which goes with the process whatever ends it.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from osupgrade.dump.limits import how_to_raise, limits
from osupgrade.dump.problems import unreadable
from osupgrade.model.errors import MissingFault, UsageFault

BLOCK = 1 << 20
STDIN = Path("-")


@dataclass(frozen=True)
class Kept:
    """The content of a pipe, read as often as one likes."""

    descriptor: int
    size: int

    def __post_init__(self) -> None:
        weakref.finalize(self, os.close, self.descriptor)

    def open(self) -> IO[bytes]:
        """Read it from its beginning, independently of other readers."""
        return cast(IO[bytes], io.BufferedReader(_Independent(self.descriptor), BLOCK))


class _Independent(io.RawIOBase):
    """A reader with a position of its own on a descriptor that others read, too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self._descriptor, len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: os.fstat(self._descriptor).st_size}[whence]
        self._at = max(0, start + offset)
        return self._at


def is_pipe(path: Path) -> bool:
    """Whether a path can be read only once."""
    if path == STDIN:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def called(path: Path) -> str:
    """How messages call a pipe."""
    return "standard input" if path == STDIN or str(path) in ("/dev/stdin", "/proc/self/fd/0") else str(path)


def keep(path: Path, progress: Callable[[int], None] | None = None) -> Kept:
    """Read a pipe to its end; raises UsageFault for one that brings no dump, MissingFault when there is no room."""
    name, most = called(path), limits().pipe * 1e9
    size = 0
    try:
        with tempfile.TemporaryFile(prefix="osupgrade-") as file, _opened(path, name) as raw:
            while block := raw.read(BLOCK):
                if not size and (fault := unreadable(block[:4096], name, packed=True)):
                    raise fault
                size += file.write(block)
                if size > most:
                    raise UsageFault(
                        f"{name} does not end: more than {most / 1e9:.0f} GB came through it",
                        hint=how_to_raise("pipe", most / 1e9 * 10),
                    )
                if progress:
                    progress(size)
            file.flush()
            return Kept(os.dup(file.fileno()), size)
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise MissingFault(
                f"no room in {tempfile.gettempdir()} to store the data from {name}",
                hint="give the file itself, or set TMPDIR to a directory with more room",
            ) from fault
        raise UsageFault(f"cannot read {name}: {fault.strerror or fault}") from fault


def _opened(path: Path, name: str) -> IO[bytes]:
    if path != STDIN:
        return cast(IO[bytes], path.open("rb", buffering=0))
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageFault(
            f"{name} is a terminal, not a dump", hint="pipe one into it: zcat dump.sql.gz | osupgrade ... -"
        )
    return cast(IO[bytes], os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0))
