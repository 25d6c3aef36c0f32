"""Tables whose rows lie beside them as text, as ``mysqldump --tab`` and MySQL Shell write them, turned into INSERTs.

Both write what SELECT ... INTO OUTFILE writes: a line for each row, columns between tabs, backslashes before what would
be taken for either, ``\\N`` for NULL, and the bytes as the column holds them. ``SET NAMES binary`` puts them back so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from osupgrade.model.errors import UsageFault
from osupgrade.model.quoting import quoted

STATEMENT = 1 << 20
"""Bytes of rows in one INSERT, more or less."""
LONGEST_ROW = 1 << 28
_SPECIAL = re.compile(rb"['\\]")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_MEANS = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}


@dataclass(frozen=True)
class Rows:
    """The table that rows belong to, and how they are written.

    ``columns`` names them where the file does not have all of the table's, ``decoded`` says which are encoded and how.
    """

    table: str
    columns: tuple[str, ...] = ()
    decoded: tuple[tuple[str, str], ...] = ()
    charset: str = "binary"


def inserts(rows: Rows, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The rows as statements; what a backslash escapes means the same in both, but for a line break."""
    names = b"(%s) " % b", ".join(_quoted(name) for name in rows.columns) if rows.columns else b""
    head = b"INSERT INTO %s %sVALUES\n" % (_quoted(rows.table), names)
    decoders = [dict(rows.decoded).get(name, "") for name in rows.columns]
    yield b"/*!40101 SET NAMES %s */;\n/*!40014 SET FOREIGN_KEY_CHECKS=0 */;\n" % rows.charset.encode()
    yield b"/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n"
    gathered: list[bytes] = []
    size = 0
    for line in _lines(blocks):
        row = b"(%s)" % b",".join(
            _value(cell, decoders[at] if at < len(decoders) else "") for at, cell in enumerate(_cells(line))
        )
        gathered.append(row)
        size += len(row)
        if size >= STATEMENT:
            yield head + b",\n".join(gathered) + b";\n"
            gathered, size = [], 0
    if gathered:
        yield head + b",\n".join(gathered) + b";\n"


def _value(cell: bytes, decoder: str) -> bytes:
    if cell == b"\\N":
        return b"NULL"
    if decoder == "UNHEX":
        return b"UNHEX('%s')" % cell
    if decoder:
        return b"FROM_BASE64('%s')" % cell.replace(b"\\\n", b"")
    if _SPECIAL.search(cell):
        plain = _ESCAPED.sub(lambda match: _MEANS.get(match[1], match[1]), cell)
        cell = plain.replace(b"\\", b"\\\\").replace(b"'", b"\\'").replace(b"\n", b"\\n").replace(b"\0", b"\\0")
    return b"'%s'" % cell


def _cells(line: bytes) -> list[bytes]:
    """The columns of a row; a tab behind an odd number of backslashes is part of a value."""
    cells = line.split(b"\t")
    if b"\\\t" not in line:
        return cells
    joined: list[bytes] = []
    open_ = False
    for cell in cells:
        if open_:
            joined[-1] += b"\t" + cell
        else:
            joined.append(cell)
        open_ = bool((len(cell) - len(cell.rstrip(b"\\"))) % 2)
    return joined


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of the file; a line break behind an odd number of backslashes is part of a value."""
    pending: list[bytes] = []
    size = 0
    for block in blocks:
        pending.append(block)
        size += len(block)
        if b"\n" in block:
            *lines, rest = b"".join(pending).split(b"\n")
            held: list[bytes] = []
            for line in lines:
                held.append(line)
                if not (len(line) - len(line.rstrip(b"\\"))) % 2:
                    yield b"\n".join(held)
                    held = []
            pending = [b"\n".join((*held, rest))]
            size = len(pending[0])
        if size > LONGEST_ROW:
            raise UsageFault(f"a row is longer than {LONGEST_ROW >> 20} MB, more than a dump has")
    if rest := b"".join(pending):
        yield rest


def _quoted(name: str) -> bytes:
    return quoted(name).encode()
