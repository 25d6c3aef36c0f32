"""The bytes of a dump as a stream: decompressed, in blocks, with the few lines that matter picked out.

SQL is not parsed here. mysqldump and mydumper escape line breaks inside strings, so a line that begins with ``USE`` or
``CREATE TABLE`` is what it looks like; where a dump written by hand breaks this, the account that restores it still has
rights on its own databases only.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import zstandard

from osupgrade.model.errors import UsageFault
from osupgrade.model.quoting import quoted

BLOCK = 1 << 20
LONGEST = 1 << 16
"""No line that matters is longer; the rest of a longer one passes as data."""

MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
}
SUFFIXES = (".sql", ".gz", ".xz", ".zst", ".bz2", ".dump", ".mysql")

_INTEREST = re.compile(
    rb"\n(?=-- (?:MySQL|MariaDB) dump|-- (?:Host:|Server version|Dump completed|PostgreSQL database dump)|/\*M?!|"
    rb"CREATE |USE |use |SET |CHANGE MASTER |DROP |GRANT |REVOKE |ALTER USER|FLUSH |mysqldump: |Warning: |\[Warning\]|"
    rb"INSERT INTO `?(?:migrate_version|alembic_version)\b)"
)

_CODE = re.compile(rb"^(CREATE .*?);\n(?=SET character_set_client = @PREV_|\Z)", re.MULTILINE | re.DOTALL)


class Piece(NamedTuple):
    """A run of a dump's bytes. ``line`` is its line number where it is one line that matters, else 0."""

    line: int
    data: bytes


@dataclass(frozen=True)
class Part:
    """One file of a dump; ``database`` is what has to be used before it, as in a mydumper directory.

    ``code`` says that it holds mydumper's triggers or routines, see :func:`delimited`.
    """

    path: Path
    database: str = ""
    code: bool = False


class Reader:
    """Reads a dump's files one after the other; ``position`` counts the bytes of the files as they lie on disk."""

    def __init__(self, parts: Iterable[Part], *, digest: bool = False) -> None:
        self.parts = tuple(parts)
        self.total = sum(part.path.stat().st_size for part in self.parts)
        self.sha256 = hashlib.sha256() if digest else None
        self._before = 0
        self._file: IO[bytes] | None = None

    @property
    def position(self) -> int:
        """How far the files are read."""
        return self._before + (self._file.tell() if self._file else 0)

    def blocks(self) -> Iterator[bytes]:
        """The decompressed bytes; raises UsageFault for a file that cannot be read or is damaged."""
        for part in self.parts:
            if part.database:
                yield f"\nUSE {quoted(part.database)};\n".encode()
            with _opened(part.path) as raw:
                self._file = raw
                blocks = self._decompressed(part.path, raw)
                yield from (delimited(b"".join(blocks)),) if part.code else blocks
                self._before += raw.tell()
                self._file = None

    def _decompressed(self, path: Path, raw: IO[bytes]) -> Iterator[bytes]:
        source = cast(IO[bytes], _Hashing(raw, self.sha256)) if self.sha256 else raw
        kind = compression(path)
        try:
            yield from _plain(kind, source)
        except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError, EOFError) as fault:
            raise UsageFault(
                f"{path.name} is damaged: {_what_broke(kind, fault)}",
                hint="copy it again from where it was made and compare checksums, or take the dump again",
                evidence=str(fault),
            ) from fault
        except OSError as fault:
            if kind == "bzip2":
                raise UsageFault(f"{path.name} is damaged: its bzip2 data is broken", evidence=str(fault)) from fault
            raise UsageFault(f"cannot read {path}: {fault.strerror or fault}") from fault


def delimited(text: bytes) -> bytes:
    """mydumper's triggers and routines as a client takes them: their bodies hold semicolons, and it sets no DELIMITER.

    Each is one CREATE, and what follows it sets the character set back (seen with mydumper 0.10.1).
    """
    return text if b"DELIMITER" in text else _CODE.sub(rb"DELIMITER ;;\n\1;;\nDELIMITER ;\n", text)


class _Hashing:
    """Feeds a hash with all that is read through it."""

    def __init__(self, raw: IO[bytes], digest: Any) -> None:
        self._raw, self._digest = raw, digest

    def read(self, size: int = -1) -> bytes:
        block = self._raw.read(size)
        self._digest.update(block)
        return block

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        raw = path.open("rb")
    except OSError as fault:
        raise UsageFault(f"cannot read {path}: {fault.strerror or fault}") from fault
    with raw:
        yield raw


def compression(path: Path) -> str:
    """How a file is compressed, by its first bytes; empty for plain. Names lie, first bytes do not."""
    with _opened(path) as raw:
        first = raw.read(8)
    return next((kind for magic, kind in MAGIC.items() if first.startswith(magic)), "")


def _plain(kind: str, raw: IO[bytes]) -> Iterator[bytes]:
    stream: Any = raw
    if kind == "zstd":
        yield from _zstd(raw)
        return
    if kind == "gzip":
        stream = gzip.GzipFile(fileobj=raw, mode="rb")
    elif kind == "xz":
        stream = lzma.LZMAFile(raw)  # noqa: SIM115 - it owns nothing
    elif kind == "bzip2":
        stream = bz2.BZ2File(raw)
    while block := stream.read(BLOCK):
        yield block


def _zstd(raw: IO[bytes]) -> Iterator[bytes]:
    """Frame by frame: the library's own reader takes a frame that is cut short for a whole one."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**31)
    frame = None
    while data := raw.read(1 << 14):
        while data:
            frame = frame or decompressor.decompressobj()
            if block := frame.decompress(data):
                yield block
            data = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame:
        raise EOFError("the last frame has no end")


def _what_broke(kind: str, fault: Exception) -> str:
    if isinstance(fault, EOFError):
        return f"its {kind} data ends in the middle"
    return f"its {kind} data is broken"


def pieces(blocks: Iterable[bytes]) -> Iterator[Piece]:
    """Split a stream into lines that matter and all that is between them; joined again they are the stream."""
    carry, at_start, line = b"", True, 1
    for block in blocks:
        data = carry + block
        cut = data.rfind(b"\n") + 1
        if len(data) - cut >= LONGEST:
            cut = len(data)
        yield from _split(data[:cut], at_start, line)
        if cut:
            line += data.count(b"\n", 0, cut)
            at_start = data.endswith(b"\n", 0, cut)
        carry = data[cut:]
    yield from _split(carry, at_start, line)


def _split(data: bytes, at_start: bool, line: int) -> Iterator[Piece]:
    done = 0
    offset = 1 if at_start else 0
    for match in _INTEREST.finditer(b"\n" + data if at_start else data):
        start = match.start() + 1 - offset
        if start < done:
            continue
        if start > done:
            yield Piece(0, data[done:start])
            line += data.count(b"\n", done, start)
        end = data.find(b"\n", start) + 1 or len(data)
        yield Piece(line, data[start:end])
        line += 1
        done = end
    if done < len(data):
        yield Piece(0, data[done:])
