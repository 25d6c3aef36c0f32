"""Which of a dump's statements several sessions may run at the same time, so that all ends as with a single one.

Rows make up nearly all of a dump, and rows of tables that were just created depend on nothing but their table. They go
to whichever session is free. All else is run by one session, the first, in the order of the dump: settings by all of
them; a table's creation while rows of others still go in; and what is not known to be either of these when all before
it is through. Whatever is in doubt is so run alone.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import NamedTuple

from osupgrade.dump import sql
from osupgrade.dump.statements import NAME

Table = tuple[str, str]
"""A database and a table of it, in small letters."""
LARGE = 4 << 20
"""Bytes of a statement above which it is run alone: several at a time would take much memory."""
LARGEST = 16 << 20
"""Bytes of a statement above which a dump is not for several sessions: they hold each as a whole."""
ORDINARY = frozenset(
    b"SET USE CREATE DROP ALTER INSERT REPLACE UPDATE DELETE TRUNCATE LOCK UNLOCK START BEGIN COMMIT".split()
)
"""The verbs of dumps for several sessions. Others give rows back, or depend on what their own session did before."""

COMMIT = b"COMMIT"


class Way(enum.Enum):
    """How a statement is run."""

    ROWS = "by any session"
    AHEAD = "by the first session, while rows of other tables go in"
    ALONE = "by the first session, when all before is through"
    EVERY = "by every session, before what comes after it"


class Sending(NamedTuple):
    """A statement and how it is run. ``ordered`` rows wait for those of the same table that came before."""

    way: Way
    statement: bytes
    table: Table | None = None
    ordered: bool = False


_WHOLE_NAME = NAME + rb"\s*+"
_CREATE = re.compile(rb"CREATE\s++TABLE\s++" + _WHOLE_NAME + rb"\(", re.IGNORECASE)
_DROP = re.compile(rb"DROP\s++TABLE\s++IF\s++EXISTS\s++" + _WHOLE_NAME + rb"\Z", re.IGNORECASE)
_LOCK = re.compile(rb"LOCK\s++TABLES?\s++" + _WHOLE_NAME + rb"WRITE\s*+\Z", re.IGNORECASE)
_UNLOCK = re.compile(rb"UNLOCK\s++TABLES?\s*+\Z", re.IGNORECASE)
_KEYS = re.compile(
    rb"/\*!40000 ALTER\s++TABLE\s++" + _WHOLE_NAME + rb"(?:DISABLE|ENABLE)\s++KEYS\s*+\*/\Z", re.IGNORECASE
)
_ROWS = re.compile(
    rb"INSERT\s++INTO\s++" + _WHOLE_NAME + rb"(\([^()'\"]*+\)\s*+)?+VALUES\s*+\(\s*+([^\s,()]*+)", re.IGNORECASE
)
_SETTING = re.compile(
    rb"(?:/\*M?!\d*+\s*+)?+SET\s++(?!(?:@@)?GLOBAL\b|PASSWORD\b|(?:@@)?PERSIST|ROLE\b|DEFAULT\b|TRANSACTION\b)"
    rb"(?:[^()]++|(?<=IFNULL)\([^()]*+\))++\Z",
    re.IGNORECASE,
)
_BEGINS = re.compile(rb"(?:START\s++TRANSACTION|BEGIN|COMMIT)(?:\s++(?:WORK|WITH CONSISTENT SNAPSHOT))?+\s*+\Z", re.I)
_SELECT = re.compile(rb"\bSELECT\b", re.IGNORECASE)
_TRIGGER = re.compile(rb"\bTRIGGER\b", re.IGNORECASE)
_INNODB = re.compile(rb"\)[^)']*\bENGINE\s*+=?\s*+InnoDB\b", re.IGNORECASE)
_COUNTED = re.compile(rb"\bAUTO_INCREMENT\b(?!\s*+=)", re.IGNORECASE)
_NUMBER = re.compile(rb"'?[1-9][0-9]*'?")
_KEYS_OFF = re.compile(rb"FOREIGN_KEY_CHECKS\s*+:?=\s*+([^,\s*]++)", re.IGNORECASE)


class Dispatch:
    """Takes the statements of a dump in order and decides how each is run."""

    def __init__(self) -> None:
        self._database = ""
        self._tables: dict[Table, bool | None] = {}
        """Tables of InnoDB that were created: whether their first column counts up; None where another one does."""
        self._ordered: set[Table] = set()
        """Those with rows to which the server gives numbers, by the order in which they come."""
        self._lock: tuple[Table, bytes] | None = None
        """A table's lock that no session holds, since only rows of that table came since."""
        self._locked = False
        """Whether the first session holds a lock."""
        self._keys_off = False
        self._commits = False
        """Whether there may be a transaction that a statement about tables ends."""
        self._single = False
        """Whether sessions may differ from here on, or rows may depend on others."""

    def send(self, statement: bytes) -> Iterator[Sending]:
        """How a statement without its delimiter is run, and what with it."""
        word = sql.verb(statement)
        if word == b"INSERT" and (table := self._rows_of(statement)):
            yield Sending(Way.ROWS, statement, table, table in self._ordered)
        elif self._every(word, statement):
            yield Sending(Way.EVERY, COMMIT if word == b"COMMIT" else statement)
        elif (lock := _LOCK.match(statement)) and self._may_skip_lock(lock):
            self._lock = (self._named(lock), statement)
            yield from self._ended(Way.AHEAD, statement + b"; UNLOCK TABLES", self._lock[0])
        elif self._lock and _UNLOCK.match(statement):
            self._lock = None
            yield from self._ended()
        elif self._lock and (keys := _KEYS.match(statement)) and self._named(keys) == self._lock[0]:
            yield from self._ended()  # of an InnoDB table, they are not disabled
        else:
            yield from self._in_order(word, statement)

    def _in_order(self, word: bytes, statement: bytes) -> Iterator[Sending]:
        """What the first session alone runs."""
        if self._lock:
            yield Sending(Way.ALONE, self._lock[1])
            self._lock, self._locked = None, True
        free = not (self._locked or self._single)
        if word == b"LOCK":
            self._locked = True
        elif word == b"UNLOCK":
            self._locked = False
        if (made := _CREATE.match(statement)) and not _SELECT.search(statement):
            table = self._named(made)
            self._create(table, statement)
            yield from self._ended(Way.AHEAD if free else Way.ALONE, statement, table)
        elif dropped := _DROP.match(statement):
            table = self._named(dropped)
            self._tables.pop(table, None)
            yield from self._ended(Way.AHEAD if free else Way.ALONE, statement, table)
        else:
            known = word in (b"LOCK", b"UNLOCK", b"INSERT", b"REPLACE")
            own = word in (b"SET", b"USE", b"START", b"BEGIN", b"COMMIT")
            if own or (word == b"CREATE" and _TRIGGER.search(statement)):
                self._single = True
            elif not known:
                self._tables.clear()  # they may have changed
            yield from self._ended(Way.ALONE, statement)

    def _ended(self, way: Way | None = None, statement: bytes = b"", table: Table | None = None) -> Iterator[Sending]:
        """Run it, if there is one, and end the transactions that it would end in a single session."""
        if self._commits:
            yield Sending(Way.EVERY, COMMIT)
        if way:
            yield Sending(way, statement, table)

    def _every(self, word: bytes, statement: bytes) -> bool:
        """Whether a statement changes the session alone, and so has to be run by each."""
        if word == b"USE" and (use := sql.USE.match(statement)):
            self._database = sql.first_name(use).lower()
            return not self._lock
        if word in (b"START", b"BEGIN", b"COMMIT"):
            self._commits = True
            return bool(_BEGINS.match(statement)) and not self._lock
        if word != b"SET" or not _SETTING.match(statement) or _SELECT.search(statement):
            return False
        upper = statement.upper()
        self._commits = self._commits or b"AUTOCOMMIT" in upper
        if b"FOREIGN_KEY_CHECKS" in upper:
            values = _KEYS_OFF.findall(statement)
            self._keys_off = bool(values) and values[-1].strip(b"'\"").upper() in (b"0", b"OFF", b"FALSE")
        return True

    def _named(self, match: re.Match[bytes]) -> Table:
        return self._database, sql.first_name(match).lower()

    def _create(self, table: Table, statement: bytes) -> None:
        self._tables.pop(table, None)
        self._ordered.discard(table)
        if not _INNODB.search(statement):
            return
        counted = _COUNTED.search(statement)
        first = statement.partition(b"(")[2].partition(b",")[0]
        self._tables[table] = bool(_COUNTED.search(first)) if not counted or _COUNTED.search(first) else None

    def _may_skip_lock(self, lock: re.Match[bytes]) -> bool:
        """Whether a table's lock makes no difference to rows that go into it."""
        return self._free() and self._lock is None and self._named(lock) in self._tables

    def _free(self) -> bool:
        return self._keys_off and not self._locked and not self._single

    def _rows_of(self, statement: bytes) -> Table | None:
        """The table of rows that any session may insert; None for others."""
        rows = _ROWS.match(statement) if self._free() and len(statement) <= LARGE else None
        if not rows:
            return None
        table = self._named(rows)
        if table not in self._tables or (self._lock and self._lock[0] != table):
            return None
        counted = self._tables[table]
        if counted is None or (counted and (rows[4] or not _NUMBER.fullmatch(rows[5]))):
            self._ordered.add(table)
        return table
