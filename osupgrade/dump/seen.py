"""What reading a dump from end to end takes down, piece by piece; :mod:`osupgrade.dump.problems` judges it."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field

from osupgrade.catalog.identity import Section
from osupgrade.dump import sql
from osupgrade.dump.dispatch import LARGEST, ORDINARY
from osupgrade.dump.statements import Kind, Piece, is_message
from osupgrade.model.release import ALEMBIC

_TOOLS = re.compile(
    r"(?:MySQL|MariaDB) dump |MySQLShell dump |Dump created by MySQL pump utility|phpMyAdmin SQL Dump|HeidiSQL Version"
    r"|Adminer \S+ MySQL|(?:Sequel (?:Pro|Ace)|SQLyog|Navicat|MySQL Administrator|TablePlus|DBeaver)\b"
)
_BY_MYSQLDUMP = re.compile(r"(?:MySQL|MariaDB) dump |Dump created by MySQL pump utility")
_COMPLETED = re.compile(r"Dump completed|Dump end time")
ADMINER = "Adminer"
NAVICAT = "Navicat"
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: UTC)?")
"""How Adminer ends its dumps."""
_DATE = re.compile(r"(?:Dump completed on|Dump end time:)\s*(.+)")
_HOST = re.compile(r"Host: \S+\s+Database: ?(.*)")
_DATABASE = re.compile(r"Database: `?([^`]+?)`?\Z")
_SERVER = re.compile(r"(?i)(?:MySQL )?Server version:?\s+(\S.*)")
_POSTGRES = re.compile(rb"\\connect |SELECT pg_catalog\.")
REMEMBERED = 20
"""Lines of messages that are kept, at most."""
MOST_VERSIONS = 100
"""Rows of a version table that are kept, at most."""
LAST = 1024
"""Bytes of the end of a statement that are kept."""
UNTIL = 4096
"""Bytes of a statement in which a setting is looked for."""

SHORT = 1 << 12
"""Bytes that statements with rows have on the average, at least, in a dump for several sessions."""


@dataclass
class Seen:
    """What a dump holds besides its databases."""

    headers: list[tuple[int, str]] = field(default_factory=list)
    """Line and text of each beginning that mysqldump or mysqlpump writes, which promises an end."""
    hosts: list[str] = field(default_factory=list)
    """The database that each header names; empty where it names none."""
    completed: int = 0
    date: str = ""
    """When it was completed, as it says itself."""
    tool: str = ""
    server_version: str = ""
    header_database: str = ""
    executable: int = 0
    accounts: int = 0
    replication: int = 0
    server_wide: int = 0
    unset: set[bytes] = field(default_factory=set)
    """Settings that were saved and not yet set back."""
    unset_before: int = 0
    """The line at which one of them is saved again: what came before it was cut."""
    locked: bool = False
    """Whether tables are locked that were not yet unlocked."""
    transaction: bool = False
    """Whether a transaction has begun that was not yet committed."""
    by_hand: bool = False
    """Whether each statement has to be committed: autocommit is off."""
    uncommitted: bool = False
    """Whether rows came since, and no commit."""
    keys_off: bool = False
    keys_off_first: bool = False
    keys_due: bool = False
    """Whether foreign keys are still off in a dump of Navicat, which switches them on again at the end."""
    missing: tuple[str, str] = ("", "")
    """A table with a foreign key to one that does not come before it, and that one."""
    charset: str = ""
    ascii: bool = True
    bad_utf8: int = 0
    """The line of the first bytes that are not UTF-8."""
    nul: int = 0
    """The line of the first NUL byte."""
    hole: int = 0
    """The same where something follows; many a program fills up a file's last block with them."""
    binary_columns: bool = False
    rows: bool = False
    tables: int = 0
    collations: set[str] = field(default_factory=set)
    charsets: set[str] = field(default_factory=set)
    engines: set[str] = field(default_factory=set)
    """In lower case, all that it names."""
    time_zones: set[str] = field(default_factory=set)
    """Those that it names, at most :data:`REMEMBERED`."""
    loose: str = ""
    """A table of a later dump in the same file that says no database, where an earlier one does."""
    twice: str = ""
    """A table that one database has twice."""
    drops: list[tuple[int, str]] = field(default_factory=list)
    """Line and name of each database that it drops."""
    stray: list[tuple[int, str]] = field(default_factory=list)
    """Line and text of what is no SQL but a message of a program."""
    foreign: str = ""
    head: bytes = b""
    length: int = 0
    delimiter: bytes = b";"
    last: bytes = b""
    """The last bytes of the last statement."""
    last_verb: bytes = b""
    made: dict[str, int] = field(default_factory=dict)
    """How often each database is created."""
    ordinary: bool = True
    """Whether it is for several sessions, by its verbs and by how long its statements are."""
    long: int = 0
    """Bytes of the last statement."""
    unended: str = ""
    """The file of several whose last statement has no end."""


class Sections:
    """Collects tables by database while a dump goes by."""

    def __init__(self) -> None:
        self.order: list[str] = [""]
        self.tables: dict[str, dict[str, None]] = {"": {}}
        self.created: set[tuple[str, str]] = set()
        self.charset: dict[str, str] = {}
        self.versions: dict[tuple[str, str], list[str]] = {}
        """By database and version table."""
        self.named: set[str] = set()
        self.now = ""
        self.said = False
        """Whether the dump that goes by, one of several in the file perhaps, has said its database."""
        self.fresh = False
        """Whether nothing was put into the database since it was named."""

    def use(self, name: str) -> None:
        """Put what follows into the database ``name``."""
        self.know(name)
        self.now, self.said, self.fresh = name, True, True

    def know(self, name: str) -> None:
        """There is a database of this name."""
        self.named.add(name)
        if name not in self.tables:
            self.order.append(name)
            self.tables[name] = {}

    def begin(self) -> None:
        """Another dump begins in the same file; a database that was named right before is its own."""
        self.said = self.said and self.fresh

    def finish(self, header_database: str, file: str = "") -> tuple[Section, ...]:
        """The databases in the order in which the dump names them; ``file`` is what the dump itself is called."""
        return tuple(
            Section(
                name=name or header_database,
                named=bool(name),
                tables=tuple(self.tables[name]),
                charset=self.charset.get(name, ""),
                versions=self._version_of(name),
                file="" if name or header_database else file,
            )
            for name in self.order
            if name or self.tables[""]
        )

    def _version_of(self, name: str) -> tuple[str, ...]:
        """What the version table holds. A service that changed to Alembic leaves its older table as it was."""
        tables = (ALEMBIC, *sql.VERSION_TABLES)
        return tuple(sorted(next(filter(None, (self.versions.get((name, table)) for table in tables)), ())))


def note(piece: Piece, sections: Sections, seen: Seen) -> None:
    """Take down what one piece says."""
    kind, line, data = piece
    if kind is Kind.STATEMENT or kind is Kind.HEAD:
        word = sql.verb(data)
        if not seen.tables and _POSTGRES.match(data):
            seen.foreign = "PostgreSQL"
        seen.last, seen.last_verb, seen.long = data[-LAST:], word, len(data)
        if data.startswith(b"/*"):
            seen.executable += 1
        if word in (b"INSERT", b"REPLACE"):
            _note_rows(data, sections, seen)
        elif word in _NOTED:
            _NOTED[word](piece, sections, seen)
        if sql.ACCOUNTS.match(data):
            seen.accounts += 1
        elif sql.REPLICATION.match(data):
            seen.replication += 1
        elif sql.SERVER.match(data):
            seen.server_wide += 1
        elif word not in ORDINARY:
            seen.ordinary = False
    elif kind is Kind.REST:
        seen.last = (seen.last + data[-LAST:])[-LAST:]
        seen.long += len(data)
        seen.ordinary = seen.ordinary and seen.long <= LARGEST
    elif kind is Kind.COMMENT:
        _note_comment(line, data, sections, seen)
    elif kind is Kind.DELIMITER:
        seen.delimiter = data.split(None, 2)[1][:64]
    elif kind is Kind.STRAY and len(seen.stray) < REMEMBERED and data.strip(b"\0\x1a\r\n "):
        seen.stray.append((line, data[:300].decode("utf-8", "replace").strip()))
        if data.startswith(b"PRAGMA ") and not seen.tables:
            seen.foreign = "SQLite"


def note_end(seen: Seen, line: int) -> None:
    """Take down what an unfinished last statement ends with: the message of a dumper that died, near ``line``."""
    lines = seen.last.rstrip().split(b"\n")
    for back, text in enumerate(reversed(lines[1:])):
        if is_message(text):
            seen.stray.append((line - back, text[:300].decode("utf-8", "replace").strip()))
            return


def _note_rows(data: bytes, sections: Sections, seen: Seen) -> None:
    insert = sql.INSERT.match(data)
    if not insert:
        return
    seen.rows = True
    seen.uncommitted = seen.by_hand
    sections.fresh = False
    if len(data) > SHORT << 4 and data.count(b";\nINSERT ") > len(data) // SHORT:
        seen.ordinary = False
    database, table = sql.table_of(insert)
    if table in sql.VERSION_TABLES:
        where = database if database and database in sections.tables else sections.now
        held = sections.versions.setdefault((where, table), [])
        held.extend(itertools.islice(sql.versions(data, table, insert[7]), max(0, MOST_VERSIONS - len(held))))


def _note_create(piece: Piece, sections: Sections, seen: Seen) -> None:
    data = piece.data
    seen.uncommitted = False
    _note_charsets(data, seen)
    if engine := sql.ENGINE.search(data):
        seen.engines.add(engine[1].decode().lower())
    if table := sql.CREATE_TABLE.match(data):
        database, name = sql.table_of(table)
        if database:
            sections.know(database)
        elif sections.now and not sections.said:
            seen.loose = seen.loose or name
        database = database or sections.now
        sections.fresh = False
        tables = sections.tables[database]
        if (database, name) in sections.created:
            seen.twice = seen.twice or name
        sections.created.add((database, name))
        tables[name] = None
        seen.tables += 1
        if sql.FOREIGN_KEY.search(data):
            _note_references(data, name, tables, seen)
        seen.binary_columns = seen.binary_columns or bool(sql.BINARY_COLUMN.search(data))
    elif database_made := sql.CREATE_DATABASE.match(data):
        name = sql.first_name(database_made)
        sections.use(name)
        seen.made[name] = seen.made.get(name, 0) + 1
        if charset := sql.CHARSET.search(database_made[4]):
            sections.charset[name] = charset[1].decode("ascii", "replace")


def _note_references(data: bytes, name: str, tables: dict[str, None], seen: Seen) -> None:
    if seen.missing[0]:
        return
    known = {table.lower() for table in tables}
    for reference in sql.REFERENCES.finditer(data):
        database, table = sql.table_of(reference)
        if not database and table.lower() not in known:
            seen.missing = (name, table)
            return


def _note_drop(piece: Piece, sections: Sections, seen: Seen) -> None:
    if database := sql.DROP_DATABASE.match(piece.data):
        if len(seen.drops) < REMEMBERED:
            seen.drops.append((piece.line, sql.first_name(database)))
    elif (table := sql.DROP_TABLE.match(piece.data)) and not piece.data.startswith(b"/*"):
        name, table_name = sql.table_of(table)
        sections.tables.get(name or sections.now, {}).pop(table_name, None)


def _note_use(piece: Piece, sections: Sections, seen: Seen) -> None:
    if use := sql.USE.match(sql.bare(piece.data, seen.delimiter)):
        sections.use(sql.first_name(use))


def _note_set(piece: Piece, _: Sections, seen: Seen) -> None:
    data = piece.data[:UNTIL]
    if autocommit := sql.AUTOCOMMIT.search(data):
        seen.by_hand = bool(autocommit[1])
        seen.uncommitted = seen.uncommitted and seen.by_hand
    if sql.KEYS_OFF.search(data):
        seen.keys_off = True
        seen.keys_off_first = seen.keys_off_first or not seen.tables
    if seen.tool.startswith(NAVICAT) and (keys := sql.NAVICATS_KEYS.match(data)):
        seen.keys_due = keys[1] == b"0"
    if len(seen.time_zones) < REMEMBERED:
        seen.time_zones.update(zone[1].decode() for zone in sql.TIME_ZONE.finditer(data))
    if not seen.charset and (names := sql.SET_NAMES.search(data)):
        seen.charset = names[1].decode().lower()
    for saved in sql.SAVED.finditer(data):
        name = saved[1].upper()
        if name in seen.unset and not seen.unset_before:
            seen.unset_before = piece.line
        seen.unset.add(name)
    if sql.SET_BACK.search(data):
        seen.unset.clear()
    _note_charsets(data, seen)


def _note_charsets(data: bytes, seen: Seen) -> None:
    if b"CHAR" in data or b"char" in data or b"NAMES" in data or b"names" in data:
        for pattern in (sql.CHARSET, sql.SET_NAMES):
            seen.charsets.update(match[1].decode().lower() for match in pattern.finditer(data))
    if b"OLLAT" in data or b"ollat" in data:
        found = (match[1].decode("ascii", "replace").lower() for match in sql.COLLATION.finditer(data))
        seen.collations.update(name for name in found if "_" in name)


def _note_alter(piece: Piece, sections: Sections, seen: Seen) -> None:
    sections.fresh = False
    seen.uncommitted = False
    _note_charsets(piece.data, seen)


def _note_lock(piece: Piece, _: Sections, seen: Seen) -> None:
    seen.locked = sql.verb(piece.data) == b"LOCK"
    seen.uncommitted = seen.uncommitted and not seen.locked


def _note_transaction(piece: Piece, _: Sections, seen: Seen) -> None:
    word = sql.verb(piece.data)
    if word in (b"START", b"BEGIN"):
        seen.transaction = word == b"BEGIN" or b"TRANSACTION" in piece.data[:40].upper()
    else:
        seen.transaction = False
    seen.uncommitted = False


_NOTED = {
    b"CREATE": _note_create,
    b"DROP": _note_drop,
    b"USE": _note_use,
    b"SET": _note_set,
    b"ALTER": _note_alter,
    b"LOCK": _note_lock,
    b"UNLOCK": _note_lock,
    b"START": _note_transaction,
    b"BEGIN": _note_transaction,
    b"COMMIT": _note_transaction,
    b"ROLLBACK": _note_transaction,
}


def _note_comment(line: int, data: bytes, sections: Sections, seen: Seen) -> None:
    text = data[:1000].decode("utf-8", "replace").strip().removesuffix("*/").lstrip("-#/*!= \t\r\n").rstrip()
    if _BY_MYSQLDUMP.match(text):
        seen.headers.append((line, text))
        seen.hosts.append("")
        sections.begin()
    if not seen.tool and _TOOLS.match(text):
        seen.tool = text
    if _COMPLETED.match(text):
        seen.completed += 1
        date = _DATE.match(text)
        seen.date = date[1].strip() if date else seen.date
    elif seen.tool.startswith(ADMINER) and _STAMP.fullmatch(text):
        seen.completed += 1
    elif text.startswith("PostgreSQL database dump") and not seen.tables:
        seen.foreign = "PostgreSQL"
    elif server := _SERVER.match(text):
        seen.server_version = seen.server_version or server[1].strip()
    elif host := _HOST.match(text) or _DATABASE.match(text):
        seen.header_database = seen.header_database or host[1].strip()
        if seen.hosts:
            seen.hosts[-1] = host[1].strip()
