"""What reading a dump from end to end takes down, line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from osupgrade.catalog.identity import Section
from osupgrade.dump.stream import Piece

_TABLE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?(?:`?[\w$-]+`?\.)?(?:`((?:[^`]|``)+)`|([\w$]+))")
DATABASE = re.compile(
    rb"CREATE (?:DATABASE|SCHEMA)(?: IF NOT EXISTS)? (?:/\*!\d+ IF NOT EXISTS\s*\*/ )?(?:`((?:[^`]|``)+)`|([\w$]+))"
    rb"([^\n]*?);?\s*\Z"
)
USE = re.compile(rb"(?:USE|use) (?:`((?:[^`]|``)+)`|([\w$-]+))\s*;?\s*\Z")
ACCOUNTS = re.compile(rb"GRANT |REVOKE |FLUSH PRIVILEGES|(?:CREATE|ALTER|DROP) (?:USER|ROLE) ")
"""Statements about the server's accounts, which no dump of databases needs."""
_NAMES = re.compile(rb"SET NAMES\s*'?(\w+)'?", re.IGNORECASE)
"""Not of ``SET character_set_client``, which stands around each table's definition and says nothing of its rows."""
_CHARSET = re.compile(rb"CHARACTER SET (\w+)", re.IGNORECASE)
_VERSION = re.compile(rb"INSERT INTO `?(\w+)`?[^;]*?VALUES\s*(.*)", re.DOTALL)
_VERSION_ROW = re.compile(rb"\((?:'(?:[^'\\]|\\.)*',\s*'(?:[^'\\]|\\.)*',\s*(\d+)|'([0-9A-Za-z_]+)')\)")
_FK_OFF = re.compile(rb"(?:@@)?FOREIGN_KEY_CHECKS\s*=\s*0", re.IGNORECASE)
_BINARY_COLUMN = re.compile(rb"\n  `[^`\n]*` (?:\w*blob|(?:var)?binary\()")


@dataclass
class Seen:
    """What reading a dump from end to end saw; :func:`check` judges it."""

    headers: list[tuple[int, str]] = field(default_factory=list)
    header_database: str = ""
    hosts: list[str] = field(default_factory=list)
    server_version: str = ""
    completed: int = 0
    executable: int = 0
    accounts: int = 0
    notes_off: int = 0
    notes_back: int = 0
    fk_off: bool = False
    fk_off_first: bool = False
    foreign_keys: bool = False
    charset: str = ""
    ascii: bool = True
    bad_utf8: int = 0
    """The line of the first bytes that are not UTF-8."""
    binary_columns: bool = False
    rows: bool = False
    tables: int = 0
    loose: str = ""
    """A table of a later dump in the same file that says no database, where an earlier one does."""
    twice: str = ""
    """A table that one database has twice."""
    stray: tuple[int, str] = (0, "")
    foreign: str = ""
    head: bytes = b""
    tail: bytes = b""
    length: int = 0


class Sections:
    """Collects tables by database while a dump goes by."""

    def __init__(self) -> None:
        self.order: list[str] = [""]
        self.tables: dict[str, list[str]] = {"": []}
        self.charset: dict[str, str] = {}
        self.versions: dict[str, list[str]] = {}
        self.uses: dict[str, int] = {}
        self.now = ""
        self.unfinished = b""
        """Rows of a version table that go on in the next line: MariaDB's dumper writes each on a line of its own."""
        self.said = False
        """Whether the dump that goes by, one of several in the file perhaps, has said its database."""

    def use(self, name: str) -> None:
        """Put what follows into the database ``name``."""
        if name not in self.tables:
            self.order.append(name)
            self.tables[name] = []
        self.now, self.said = name, True

    def insert(self, data: bytes) -> None:
        """Take what a version table holds from its INSERT, which may not have ended yet."""
        statement, end, _ = (self.unfinished + data).partition(b";")
        self.unfinished = b"" if end else statement
        if end:
            self.versions.setdefault(self.now, []).extend(_versions(statement))

    def finish(self, header_database: str) -> tuple[Section, ...]:
        """The databases in the order in which the dump names them."""
        found = []
        for name in self.order:
            if not name and not self.tables[""]:
                continue
            found.append(
                Section(
                    name=name or header_database,
                    named=bool(name),
                    tables=tuple(dict.fromkeys(self.tables[name])),
                    charset=self.charset.get(name, ""),
                    versions=tuple(sorted(self.versions.get(name, ()))),
                )
            )
        return tuple(found)


def note(piece: Piece, sections: Sections, seen: Seen) -> None:
    """Take down what one line that matters says."""
    data = piece.data
    if ACCOUNTS.match(data):
        seen.accounts += 1
    elif data.startswith(b"CREATE "):
        _note_create(data, sections, seen)
    elif data.startswith((b"USE ", b"use ")):
        if use := USE.match(data):
            sections.use(matched_name(use))
    elif data.startswith(b"/*"):
        seen.executable += 1
        if data.startswith(b"/*!40111 SET @OLD_SQL_NOTES"):
            seen.notes_off += 1
        elif data.startswith(b"/*!40111 SET SQL_NOTES=@OLD"):
            seen.notes_back += 1
        if data.startswith(b"/*!40014 SET @OLD_FOREIGN_KEY_CHECKS") or _FK_OFF.search(data[:200]):
            _note_fk_off(seen)
        _note_charset(data[:200], seen)
    elif data.startswith(b"SET "):
        if _FK_OFF.search(data[:200]):
            _note_fk_off(seen)
        _note_charset(data[:200], seen)
    elif data.startswith(b"INSERT "):
        seen.rows = True
        sections.insert(data)
    elif data.startswith(b"-- "):
        _note_comment(piece, sections, seen)
    elif data.startswith(b"mysqldump: ") or (data.startswith((b"Warning: ", b"[Warning]")) and not seen.tables):
        seen.stray = (piece.line, data.decode("utf-8", "replace").strip())


def _note_create(data: bytes, sections: Sections, seen: Seen) -> None:
    if table := _TABLE.match(data):
        seen.tables += 1
        name = matched_name(table)
        if name in sections.tables[sections.now]:
            seen.twice = seen.twice or name
        if sections.now and not sections.said:
            seen.loose = seen.loose or name
        sections.tables[sections.now].append(name)
    elif database := DATABASE.match(data):
        name = matched_name(database)
        sections.use(name)
        sections.uses[name] = sections.uses.get(name, 0) + 1
        if charset := _CHARSET.search(database[3]):
            sections.charset[name] = charset[1].decode()


def _note_fk_off(seen: Seen) -> None:
    seen.fk_off = True
    if not seen.tables:
        seen.fk_off_first = True


def _note_charset(data: bytes, seen: Seen) -> None:
    if not seen.charset and (names := _NAMES.search(data)):
        seen.charset = names[1].decode().lower()


def _note_comment(piece: Piece, sections: Sections, seen: Seen) -> None:
    text = piece.data.decode("utf-8", "replace").strip()
    if re.match(r"-- (?:MySQL|MariaDB) dump", text):
        seen.headers.append((piece.line, text[3:]))
        sections.said = False
    elif text.startswith("-- Dump completed"):
        seen.completed += 1
    elif text.startswith("-- Server version"):
        seen.server_version = seen.server_version or text.removeprefix("-- Server version").strip()
    elif text.startswith("-- PostgreSQL"):
        seen.foreign = "PostgreSQL"
    elif host := re.match(r"-- Host: \S+\s+Database: ?(\S*)", text):
        seen.header_database = seen.header_database or host[1]
        seen.hosts.append(host[1])


def note_data(data: bytes, seen: Seen) -> None:
    """Take down what the bytes between such lines say."""
    if not seen.rows:
        seen.rows = b"INSERT INTO " in data or b"REPLACE INTO " in data
    if not seen.foreign_keys:
        seen.foreign_keys = b" FOREIGN KEY (" in data
    if not seen.binary_columns:
        seen.binary_columns = bool(_BINARY_COLUMN.search(b"\n" + data))


def _versions(data: bytes) -> list[str]:
    match = _VERSION.match(data)
    if not match:
        return []
    return [(row[1] or row[2]).decode() for row in _VERSION_ROW.finditer(match[2])]


def matched_name(match: re.Match[bytes]) -> str:
    """The database or table that one of the patterns above found, unquoted."""
    return (match[1].replace(b"``", b"`") if match[1] else match[2]).decode("utf-8", "replace")
