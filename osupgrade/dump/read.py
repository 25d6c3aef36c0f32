"""Reading a dump from end to end, once and with flat memory, into what it says about itself."""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from osupgrade.catalog.identity import Section
from osupgrade.dump.piped import called
from osupgrade.dump.problems import check, not_a_dump, refusal, remarks, unreadable
from osupgrade.dump.problems.nothing import PROMISE
from osupgrade.dump.problems.truncated import unended
from osupgrade.dump.seen import Sections, Seen, note, note_end
from osupgrade.dump.statements import Kind, Splitter
from osupgrade.dump.stream import Part, Reader, compression
from osupgrade.model.finding import Finding, Severity

Reading = Callable[[str, int, int], None]
"""Called with the name of the dump that is read, the bytes of it so far and all of them."""


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
    database: str = ""
    """The database that its comments name."""
    date: str = ""
    """When it was completed, as it says itself."""
    collations: tuple[str, ...] = ()
    """All that it names, and likewise the character sets."""
    charsets: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    """The line of the whole at which each of its files begins."""
    engines: tuple[str, ...] = ()
    time_zones: tuple[str, ...] = ()
    """Those that it names, not those that it gives as an offset."""
    drops: tuple[tuple[int, str], ...] = ()
    """Line and name of each database that it drops."""
    ordinary: bool = False
    """Whether several sessions may restore it, see :mod:`osupgrade.dump.dispatch`."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return called(self.path) if self.parts and self.parts[0].kept else self.path.name

    @property
    def whole(self) -> bool:
        """Whether it can be restored as it is."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    def place(self, line: int) -> str:
        """A line of the whole as one says it: with the file where there are several."""
        if len(self.parts) < 2:
            return f"line {line}"
        part = self._part_at(line)
        return f"line {line - self.lines[part] + 1} of {self.parts[part].path.name}"

    def holds_rows_alone(self, line: int) -> bool:
        """Whether the file with a line of the whole is one of rows as text."""
        return self.parts[self._part_at(line)].rows is not None

    def _part_at(self, line: int) -> int:
        return max((at for at, first in enumerate(self.lines) if first <= line), default=0)


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
    name = called(path) if reader.parts[0].kept else path.name
    sections, seen, lines, line = Sections(), Seen(), list[int](), 1
    for part in reader.parts:
        splitter = Splitter(line)
        lines.append(line)
        promised = len(reader.parts) > 1
        with contextlib.closing(reader.blocks_of(part)) as blocks:  # what is refused half-way leaves no open file
            for block in _watched(reader, blocks, seen, name, line, progress):
                for piece in splitter.feed(block):
                    if piece.kind is not Kind.BLANK:
                        note(piece, sections, seen)
                if not promised and seen.length > PROMISE:
                    promised = True
                    if unusable := not_a_dump(seen, name):
                        raise unusable
        for piece in splitter.feed(b"", last=True):
            note(piece, sections, seen)
        line = splitter.line
        if unended(seen):
            _note_unended(seen, line, part.path.name if len(reader.parts) > 1 else "")
    if unusable := not_a_dump(seen, name):
        raise unusable
    if (problems := check(seen, name)) and not insist:
        raise refusal(problems[0])
    return Dump(
        path=path,
        parts=reader.parts,
        size=reader.total,
        sql_bytes=seen.length,
        sha256=reader.sha256.hexdigest() if reader.sha256 else "",
        compression=compression(reader.parts[0]),
        tool=seen.tool,
        server_version=seen.server_version,
        charset=seen.charset,
        sections=sections.finish(seen.header_database, path.name),
        findings=(*problems, *remarks(seen, name)),
        database=seen.header_database,
        date=seen.date,
        collations=tuple(sorted(seen.collations)),
        charsets=tuple(sorted(seen.charsets)),
        engines=tuple(sorted(seen.engines)),
        time_zones=tuple(sorted(seen.time_zones)),
        lines=tuple(lines),
        drops=tuple(seen.drops),
        ordinary=seen.ordinary and not seen.stray,
    )


def _note_unended(seen: Seen, line: int, file: str) -> None:
    """Take down that the last statement has no end; ``file`` names the one of several that it is in."""
    note_end(seen, line - seen.last.rstrip(b" ").endswith(b"\n"))
    seen.unended = seen.unended or file


def _watched(
    reader: Reader, blocks: Iterable[bytes], seen: Seen, name: str, line: int, progress: Reading | None
) -> Iterator[bytes]:
    """The blocks of one file; what is seen of them as bytes is recorded."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    clean = True
    for block in blocks:
        if not seen.head:
            seen.head = block[:4096]
            if unusable := unreadable(seen.head, name):
                raise unusable
        seen.length += len(block)
        if not (block.isascii() and clean):
            seen.ascii = False
            if not seen.bad_utf8:
                try:
                    decoder.decode(block)
                    clean = decoder.getstate()[0] == b""
                except UnicodeDecodeError as fault:
                    seen.bad_utf8 = line + block.count(b"\n", 0, fault.start)
        if not seen.hole:
            _note_nul(block, line, seen)
        if not (seen.bad_utf8 and seen.hole):
            line += block.count(b"\n")
        yield block
        if progress:
            progress(name, reader.position, reader.total)


def _note_nul(block: bytes, line: int, seen: Seen) -> None:
    """Take down the line of the first NUL byte, and whether anything but more of them follows."""
    if not seen.nul:
        at = block.find(b"\0")
        if at < 0:
            return
        seen.nul = line + block.count(b"\n", 0, at)
        block = block[at:]
    if block.strip(b"\0 \t\r\n\x1a"):
        seen.hole = seen.nul
