"""The bytes of a dump's files as a stream: decompressed, in blocks, and split into statements."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import re
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import zstandard

from osupgrade.dump.limits import FREE, how_to_raise, limits
from osupgrade.dump.magic import compression_of
from osupgrade.dump.piped import Kept
from osupgrade.dump.statements import Piece, Splitter
from osupgrade.dump.tabular import Rows, inserts
from osupgrade.dump.zipped import zipped
from osupgrade.model.errors import UsageFault
from osupgrade.model.quoting import quoted

BLOCK = 1 << 20

SUFFIXES = (".sql", ".gz", ".xz", ".zst", ".bz2", ".zip", ".dump", ".mysql")

_CODE = re.compile(rb"^(CREATE .*?);\n(?=SET character_set_client = @PREV_|\Z)", re.MULTILINE | re.DOTALL)
_CODE_BYTES = 64 << 20
"""Bytes of a file with triggers or routines, at most; it is read as a whole."""


@dataclass(frozen=True)
class Part:
    """One file of a dump; ``database`` is what has to be used before it, as in a mydumper directory.

    ``code`` says that it holds mydumper's triggers or routines, see :func:`delimited`; ``rows`` that it holds a table's
    rows as text; ``kept`` is what came through a pipe.
    """

    path: Path
    database: str = ""
    before: bytes = b""
    """SQL that has to come before it."""
    code: bool = False
    rows: Rows | None = None
    kept: Kept | None = None

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.kept.size if self.kept else _size(self.path)

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """The file from its beginning; raises UsageFault when it cannot be read."""
        try:
            raw = self.kept.open() if self.kept else self.path.open("rb")
        except OSError as fault:
            raise UsageFault(f"cannot read {self.path}: {fault.strerror or fault}") from fault
        with raw:
            yield raw


class Reader:
    """Reads a dump's files one after the other; ``position`` counts the bytes of the files as they lie on disk."""

    def __init__(self, parts: Iterable[Part], *, digest: bool = False) -> None:
        self.parts = tuple(parts)
        self.total = sum(part.size for part in self.parts)
        self.sha256 = hashlib.sha256() if digest else None
        self.part = self.parts[0] if self.parts else None
        """The current file."""
        self._before = 0
        self._file: IO[bytes] | None = None
        self._length = 0
        self._ratio = limits().ratio

    @property
    def position(self) -> int:
        """How far the files are read."""
        return self._before + (self._file.tell() if self._file else 0)

    def blocks(self) -> Generator[bytes]:
        """The decompressed bytes; raises UsageFault for a file that cannot be read or is damaged."""
        for part in self.parts:
            yield from self.blocks_of(part)

    def pieces(self, line: int = 1) -> Generator[Piece]:
        """The statements; a file of several ends the one that it left open, and lines are counted through all."""
        for part in self.parts:
            splitter = Splitter(line)
            with closing(self.blocks_of(part)) as blocks:
                for block in blocks:
                    yield from splitter.feed(block)
            yield from splitter.feed(b"", last=True)
            line = splitter.line

    def blocks_of(self, part: Part) -> Generator[bytes]:
        """The decompressed bytes of one of the files."""
        self.part = part
        if part.database:
            yield f"\nUSE {quoted(part.database)};\n".encode()
        if part.before:
            yield part.before
        with part.opened() as raw:
            self._file = raw
            blocks = self._decompressed(part, raw)
            if part.code:
                yield delimited(self._whole(part, blocks))
            else:
                yield from inserts(part.rows, blocks) if part.rows else blocks
            self._before += raw.tell()
            self._file = None
        if len(self.parts) > 1:
            yield b"\n"

    def _whole(self, part: Part, blocks: Iterator[bytes]) -> bytes:
        gathered, size = [], 0
        for block in blocks:
            gathered.append(block)
            size += len(block)
            if size > _CODE_BYTES:
                raise UsageFault(f"{part.path} holds more than {_CODE_BYTES >> 20} MB of triggers and routines")
        return b"".join(gathered)

    def _hashed(self, raw: IO[bytes]) -> IO[bytes]:
        """A file whose bytes are not read in their order, at its beginning again with all of them in the hash."""
        while self.sha256 and (block := raw.read(BLOCK)):
            self.sha256.update(block)
        raw.seek(0)
        return raw

    def _decompressed(self, part: Part, raw: IO[bytes]) -> Iterator[bytes]:
        source = cast(IO[bytes], _Hashing(raw, self.sha256)) if self.sha256 else raw
        kind, name = compression(part), part.path.name
        try:
            for block in zipped(self._hashed(raw), name, BLOCK) if kind == "zip" else _plain(kind, source):
                self._length += len(block)
                if kind and self._length > FREE + self._ratio * max(self.position, 1):
                    raise UsageFault(
                        f"{name} becomes more than {self._length >> 20} MB of {self.position} bytes when decompressed",
                        hint=how_to_raise("ratio", self._ratio * 10),
                        evidence="no dump is that much larger than its compressed file",
                    )
                yield block
        except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError, EOFError) as fault:
            raise UsageFault(
                f"{name} is damaged: {_what_broke(kind, fault)}",
                hint="copy it again and compare checksums, or take the dump again",
                evidence=str(fault),
            ) from fault
        except OSError as fault:
            if kind == "bzip2":
                raise UsageFault(f"{name} is damaged: its bzip2 data is broken", evidence=str(fault)) from fault
            raise UsageFault(f"cannot read {part.path}: {fault.strerror or fault}") from fault


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


def compression(part: Part) -> str:
    """How a file is compressed, by its first bytes; empty for plain. Names lie, first bytes do not."""
    with part.opened() as raw:
        try:
            first = raw.read(8)
        except OSError as fault:
            raise UsageFault(f"cannot read {part.path}: {fault.strerror or fault}") from fault
    return compression_of(first)


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
    """Frame by frame: the library's own reader takes a frame that is cut short for a whole one.

    Few bytes at a time, since each call gives all that they become at once.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**31)
    frame = None
    while data := raw.read(1 << 11):
        while data:
            frame = frame or decompressor.decompressobj()
            block = frame.decompress(data)
            yield from (block[at : at + BLOCK] for at in range(0, len(block), BLOCK))
            data = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame:
        raise EOFError("the last frame has no end")


def _what_broke(kind: str, fault: Exception) -> str:
    if isinstance(fault, EOFError):
        return f"its {kind} data ends in the middle"
    return f"its {kind} data is broken"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as fault:
        raise UsageFault(f"cannot read {path}: {fault.strerror or fault}") from fault
