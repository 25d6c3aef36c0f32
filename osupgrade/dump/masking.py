"""Masking on the server: a masked copy of each database beside the restored one, by one INSERT ... SELECT a table.

A uuid is masked by an SQL expression and dropped content is one anyway, so of a large cloud only names, addresses and
JSON texts are looked at one by one: each distinct value goes through the masker into a table of masks, which the copy
looks up. A copy, because an index of ids is filled in order in a tenth of the time in which it is updated in place.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pymysql

from osupgrade.dump.columns import connected, distinct
from osupgrade.dump.mask.columns import (
    BINARY,
    CODECS,
    SPELT,
    TEXT,
    WIDE,
    Column,
    ColumnLiterals,
    Form,
    dropped_sql,
    mask_function,
    unlisted_sql,
)
from osupgrade.dump.mask.ddl import Definition, Rewriter
from osupgrade.dump.mask.names import Names
from osupgrade.dump.mask.sql import is_bare_hex_sql, is_uuid_sql
from osupgrade.dump.mask.values import Masker
from osupgrade.dump.policy import Treatment
from osupgrade.lab.database import DatabaseServer, no_room
from osupgrade.model.errors import Exit, Fault, LabFault
from osupgrade.model.quoting import quoted

SCRATCH = "osupgrade_masks"
CONNECTIONS = 2
BATCH_BYTES = 1 << 20
_CUT = (1264, 1265, 1366, 1406)
"""Warnings by which a server says that a value did not fit."""
_MEET = 1062
_CHECKS = (3819, 4025)
"""Errors by which servers say that a row breaks a check."""

T = TypeVar("T")
Step = Callable[[int, int], None]
"""Called with how many of how many tables are done."""
Table = tuple[str, str]
"""A restored database and a table of it."""


class MasksMeet(Fault):
    """Two values of a unique column have the same mask; there is no output."""

    status = Exit.DID_NOT


@dataclass(frozen=True)
class Copied:
    """A table's masked copy. ``missing`` says that there is none, ``empty`` that its rows were left out."""

    definition: Definition
    missing: bool = False
    empty: bool = False


class Masking:
    """Fills the table of masks, then writes the masked copies; used once, and closed by its creator."""

    def __init__(self, server: DatabaseServer, masker: Masker, names: Names, upstream: frozenset[str]) -> None:
        self._server = server
        self._masker = masker
        self._names = names
        self._upstream = upstream
        self._forms: dict[Form, int] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        """Held while masks are written: two connections with the same masks in another order would be a deadlock."""
        self.looked_up: set[Column] = set()
        """Columns with at least one value that the masker changed."""
        self.values = 0
        """How many masks it made."""
        self.tables: dict[Table, Copied] = {}
        """What became of each table."""

    def __enter__(self) -> Masking:
        self._server.create(SCRATCH)
        self._server.execute(
            SCRATCH,
            "CREATE TABLE m (k SMALLINT NOT NULL, h BINARY(16) NOT NULL, v LONGBLOB NOT NULL, PRIMARY KEY (k, h)) "
            "ENGINE=InnoDB",
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:  # else statements that still run may hold it, and the server is on its way out
            self._server.drop(SCRATCH)

    def learn(self, columns: Sequence[Column], step: Step) -> None:
        """Make the masks of all distinct values that SQL alone cannot mask."""
        tables = _by_table([column for column in columns if column.looked_up])
        _each(self._learn, list(tables.values()), step)

    def _learn(self, columns: Sequence[Column]) -> None:
        """Make the masks of one table."""
        with connected(self._server) as reader, connected(self._server, SCRATCH) as writer, writer.cursor() as cursor:
            for column in columns:
                form = Form.of(column)
                with self._lock:
                    number = self._forms.setdefault(form, len(self._forms))
                inline = self._inline(column, column.quoted)
                values = distinct(reader, column, f"NOT ({inline[0]})" if inline else "")
                made = 0
                for batch in _batches(number, mask_function(form, self._masker), values):
                    with self._writing:
                        cursor.execute("INSERT IGNORE INTO m VALUES " + ",".join(batch))
                    made += len(batch)
                with self._lock:
                    self.values += made
                    if made:
                        self.looked_up.add(column)

    def copy(self, columns: Sequence[Column], copies: Mapping[str, str], step: Step) -> None:
        """Write every table once more, masked, into the database that ``copies`` names for its own.

        Raises LabFault when a mask does not fit where its value did, which no mask may do.
        """
        for source, target in copies.items():
            charset, collation = self._server.rows(
                "",
                "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata "
                "WHERE schema_name = %s",
                (source,),
            )[0]
            self._server.execute("", f"DROP DATABASE IF EXISTS {quoted(target)}")
            self._server.execute("", f"CREATE DATABASE {quoted(target)} CHARACTER SET {charset} COLLATE {collation}")
        tables = _by_table(columns)
        largest = self._sizes(tuple(copies))
        order = sorted(tables, key=lambda table: -largest.get(table, 0))
        _each(lambda table: self._copy(table, tables[table], copies), order, step)

    def _sizes(self, databases: tuple[str, ...]) -> dict[Table, int]:
        sql = "SELECT table_schema, table_name, data_length FROM information_schema.tables WHERE table_schema IN %s"
        return {(schema, table): int(size or 0) for schema, table, size in self._server.rows("", sql, (databases,))}

    def _copy(self, table: Table, columns: Sequence[Column], copies: Mapping[str, str]) -> None:
        with connected(self._server, copies[table[0]]) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")  # its variable's name changed
            cursor.execute(
                "SET SESSION foreign_key_checks = 0, unique_checks = 0, "
                "sql_mode = 'NO_AUTO_VALUE_ON_ZERO,NO_DIR_IN_CREATE'"
            )
            cursor.execute(f"SHOW CREATE TABLE {quoted(table[0])}.{quoted(table[1])}")
            row = cursor.fetchone()
            assert row
            made = self._filled(cursor, table, row[1], columns, copies)
        with self._lock:
            self.tables[table] = made

    def _filled(
        self, cursor: Any, table: Table, create: str, columns: Sequence[Column], copies: Mapping[str, str]
    ) -> Copied:
        """Make the copy's table and its rows; without checks or unique keys where masks do not hold them."""
        literals = ColumnLiterals({column.name: column for column in columns}, self._masker, self._upstream)
        place, own = f"{columns[0].service}.{table[1]}", not any(column.known for column in columns)
        checks = unique = True
        while True:
            rewriter = Rewriter(place, self._names, literals, copies, checks=checks, unique=unique)
            definition = rewriter.definition(create)
            try:
                cursor.execute(definition.sql)
            except pymysql.MySQLError as fault:
                if no_room(place, str(fault)):
                    raise
                return Copied(definition, missing=True)
            if any(column.foreign and (column.keyed or not column.nullable) for column in columns):
                return Copied(definition, empty=True)
            try:
                self._fill(cursor, table, columns)
                return Copied(definition)
            except pymysql.MySQLError as fault:
                number = fault.args[0] if fault.args else 0
                checks, unique = checks and number not in _CHECKS, unique and number != _MEET
                if (checks and unique) or number not in (*_CHECKS, _MEET):
                    raise
                if not unique and not own:
                    raise _meet(place) from fault
            cursor.execute(f"DROP TABLE {quoted(self._names.mask(table[1]))}")

    def _fill(self, cursor: Any, table: Table, columns: Sequence[Column]) -> None:
        mask = self._names.mask
        names = ", ".join(quoted(mask(column.name)) for column in columns)
        values = ", ".join(self._value(column) for column in columns)
        source = f"{quoted(table[0])}.{quoted(table[1])}"
        cursor.execute(f"INSERT INTO {quoted(mask(table[1]))} ({names}) SELECT {values} FROM {source} t")
        cursor.execute("SHOW WARNINGS")
        # A member that was none is stored as such again, and the server says so.
        spelt = {f"'{mask(column.name)}'" for column in columns if column.type in SPELT}
        cut = [line for _, number, line in cursor.fetchall() if number in _CUT and not any(n in line for n in spelt)]
        if cut:
            raise LabFault(f"a mask does not fit into {table[1]}", evidence="\n".join(cut[:5]))

    def _value(self, column: Column) -> str:
        """What a column's masked copy holds, as SQL."""
        name = f"t.{column.quoted}"
        if column.type in SPELT:
            return unlisted_sql(column, name, self._masker)
        if column.treatment is Treatment.KEEP:
            return name
        if column.treatment is Treatment.DROP and column.type in TEXT | BINARY:
            return dropped_sql(name, column.type)
        if not column.looked_up and column.treatment is not Treatment.DROP:
            return unlisted_sql(column, name, self._masker)
        value = name
        if column in self.looked_up:
            number = self._forms[Form.of(column)]
            key = f"k = {number} AND h = UNHEX(LEFT(SHA2(BINARY {name}, 256), 32))"
            value = f"IFNULL((SELECT v FROM {quoted(SCRATCH)}.m WHERE {key}), {name})"
        if inline := self._inline(column, name):
            value = f"IF({inline[0]}, {inline[1]}, {value})"
        return value

    def _inline(self, column: Column, name: str) -> tuple[str, str] | None:
        """For which values SQL makes the mask by itself, and how; None where it makes none."""
        by_ascii = column.charset in CODECS and column.charset not in WIDE
        if column.type not in TEXT or not by_ascii or column.longest < 32:
            return None
        if column.treatment is Treatment.MASK:
            return is_uuid_sql(name), self._masker.uuid_sql(name)
        if column.treatment is Treatment.SECRET:
            return is_bare_hex_sql(name), self._masker.secret_sql(name)
        return None


def _each(function: Callable[[T], None], items: Sequence[T], step: Step) -> None:
    """Do it for all, several at a time; a fault or Ctrl-C waits for none of them."""
    step(0, len(items))
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        for done, _ in enumerate(pool.map(function, items), 1):
            step(done, len(items))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _meet(place: str) -> MasksMeet:
    return MasksMeet(
        f"two values of a unique column of {place} get the same mask; no output was written",
        hint="use another key, or keep the column with --policy",
    )


def _by_table(columns: Sequence[Column]) -> dict[tuple[str, str], list[Column]]:
    tables: dict[tuple[str, str], list[Column]] = {}
    for column in columns:
        tables.setdefault((column.database, column.table), []).append(column)
    return tables


def _batches(number: int, function: Callable[[bytes], bytes], values: Iterator[bytes]) -> Iterator[list[str]]:
    """Rows for the table of masks, of the values that their mask changes."""
    batch: list[str] = []
    size = 0
    for old in values:
        new = function(old)
        if new == old:
            continue
        digest = hashlib.sha256(old).hexdigest()[:32]
        batch.append(f"({number},X'{digest}',X'{new.hex()}')")
        size += len(batch[-1])
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
