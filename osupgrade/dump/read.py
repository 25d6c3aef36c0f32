"""Reading a dump from end to end, with flat memory, into what it says about itself."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from osupgrade.catalog.identity import Section
from osupgrade.dump.find import find_dumps
from osupgrade.dump.problems import check, not_a_dump, refusal, remarks
from osupgrade.dump.seen import Sections, Seen, note, note_data
from osupgrade.dump.stream import Part, Reader, compression, pieces
from osupgrade.model.finding import Finding

Reading = Callable[[str, int, int], None]
"""Told the name of the dump that is read, the bytes of it so far and all of them."""


@dataclass(frozen=True)
class Dump:
    """One dump that was read to its end."""

    path: Path
    parts: tuple[Part, ...]
    size: int
    """Bytes on disk."""
    sql_bytes: int
    sha256: str
    compression: str
    tool: str
    """What wrote it, by its first comment; empty where it does not say."""
    server_version: str
    charset: str
    sections: tuple[Section, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.path.name


def read_dumps(paths: Sequence[Path], progress: Reading | None = None, *, insist: bool = False) -> tuple[Dump, ...]:
    """Read all dumps behind ``paths`` and refuse the first that cannot be restored; see :func:`read_dump`."""
    return tuple(read_dump(path, parts, progress, insist=insist) for path, parts in find_dumps(paths))


def read_dump(
    path: Path,
    parts: Sequence[Part] = (),
    progress: Reading | None = None,
    *,
    insist: bool = False,
) -> Dump:
    """Read one dump from end to end; ``progress`` gets its name, the bytes read and all of them.

    Raises UsageFault with the first thing that makes it unusable. ``insist`` takes what a client would still try:
    the problems become findings of the dump; damaged compression and files that are no dump are refused all the same.
    """
    reader = Reader(parts or (Part(path),), digest=True)
    sections, seen = Sections(), Seen()
    for piece in pieces(_watched(reader, seen, path.name, progress)):
        if piece.line:
            note(piece, sections, seen)
        else:
            note_data(piece.data, seen)
            if sections.unfinished:
                sections.insert(piece.data)
    unusable = not_a_dump(seen, path.name)
    if unusable:
        raise unusable
    problems = check(seen, path.name, sections.uses)
    if problems and not insist:
        raise refusal(problems[0])
    assert reader.sha256 is not None
    return Dump(
        path=path,
        parts=reader.parts,
        size=reader.total,
        sql_bytes=seen.length,
        sha256=reader.sha256.hexdigest(),
        compression=compression(reader.parts[0].path),
        tool=seen.headers[0][1] if seen.headers else "",
        server_version=seen.server_version,
        charset=seen.charset,
        sections=sections.finish(seen.header_database),
        findings=(*problems, *remarks(seen, path.name)),
    )


def _watched(reader: Reader, seen: Seen, name: str, progress: Reading | None) -> Iterable[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    clean, line = True, 1
    for block in reader.blocks():
        if not seen.head:
            seen.head = block[:4096]
        seen.tail = (seen.tail + block[-4096:])[-4096:]
        seen.length += len(block)
        if not (block.isascii() and clean):
            seen.ascii = False
            if not seen.bad_utf8:
                try:
                    decoder.decode(block)
                    clean = decoder.getstate()[0] == b""
                except UnicodeDecodeError as fault:
                    seen.bad_utf8 = line + block.count(b"\n", 0, fault.start)
        if not seen.bad_utf8:
            line += block.count(b"\n")
        yield block
        if progress:
            progress(name, reader.position, reader.total)
