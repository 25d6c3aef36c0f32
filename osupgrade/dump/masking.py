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
from typing import TypeVar

import pymysql

from osupgrade.dump.columns import BINARY, DATES, TEXT, Column, connected, distinct
from osupgrade.dump.mask import Masker, is_bare_hex_sql, is_uuid_sql
from osupgrade.dump.policy import Treatment
from osupgrade.lab.database import DatabaseServer
from osupgrade.model.errors import LabFault
from osupgrade.model.quoting import quoted

SCRATCH = "osupgrade_masks"
CONNECTIONS = 2
BATCH_BYTES = 1 << 20
CODECS: Mapping[str, str] = {
    "": "utf-8",
    "ascii": "utf-8",
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "latin1": "cp1252",
    "ucs2": "utf-16-be",
    "utf16": "utf-16-be",
}
"""Python's names of the server's character sets; texts in any other are masked byte by byte."""
_WIDE = ("ucs2", "utf16", "utf16le", "utf32")
_CUT = (1264, 1265, 1366, 1406)
"""Warnings by which a server says that a value did not fit."""

T = TypeVar("T")
Step = Callable[[int, int], None]
"""Told how many of how many tables are done."""


@dataclass(frozen=True)
class Form:
    """What decides a mask beside the value itself. ``longest`` is 0 where a mask is never longer than its value."""

    treatment: Treatment
    codec: str
    longest: int
    number: bool

    @classmethod
    def of(cls, column: Column) -> Form:
        """How the values of a column are masked."""
        codec = CODECS.get(column.charset, "")
        longest = column.longest if column.treatment is Treatment.JSON and column.type == "varchar" else 0
        return cls(column.treatment, codec, longest, column.type not in TEXT)


def mask_function(form: Form, masker: Masker) -> Callable[[bytes], bytes]:
    """What makes a mask of a value, as bytes in the column's own encoding."""

    def mask(old: bytes) -> bytes:
        if not form.codec:
            return masker.foreign(old)
        text = old.decode(form.codec, "surrogateescape")
        if form.number:
            new = masker.digits(text)
        elif form.treatment is Treatment.JSON:
            new = masker.json(text)
        elif form.treatment is Treatment.PARTS:
            new = masker.parts(text)
        elif form.treatment is Treatment.SECRET:
            new = masker.secret(text)
        else:
            new = masker.mask(text)
        if form.longest and len(new) > form.longest:
            new = masker.mask(text)
        return new.encode(form.codec, "surrogateescape")

    return mask


class Masking:
    """Fills the table of masks, then writes the masked copies; used once, and closed by whoever made it."""

    def __init__(self, server: DatabaseServer, masker: Masker) -> None:
        self._server = server
        self._masker = masker
        self._forms: dict[Form, int] = {}
        self._lock = threading.Lock()
        self.looked_up: set[Column] = set()
        """Columns with at least one value that the masker changed."""
        self.values = 0
        """How many masks it made."""

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
        tables = _by_table([column for column in columns if _is_looked_up(column)])
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
        _each(lambda table: self._copy(table, tables[table], copies[table[0]]), order, step)

    def _sizes(self, databases: tuple[str, ...]) -> dict[tuple[str, str], int]:
        sql = "SELECT table_schema, table_name, data_length FROM information_schema.tables WHERE table_schema IN %s"
        return {(schema, table): int(size or 0) for schema, table, size in self._server.rows("", sql, (databases,))}

    def _copy(self, table: tuple[str, str], columns: Sequence[Column], target: str) -> None:
        source, name = table
        with connected(self._server, target) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SET SESSION foreign_key_checks = 0, unique_checks = 0, tx_isolation = 'READ-COMMITTED', "
                "sql_mode = 'NO_AUTO_VALUE_ON_ZERO,NO_DIR_IN_CREATE'"
            )
            cursor.execute(f"SHOW CREATE TABLE {quoted(source)}.{quoted(name)}")
            row = cursor.fetchone()
            assert row
            cursor.execute(row[1])
            names = ", ".join(column.quoted for column in columns)
            values = ", ".join(self._value(column) for column in columns)
            try:
                rows = f"SELECT {values} FROM {quoted(source)}.{quoted(name)} t"
                cursor.execute(f"INSERT INTO {quoted(name)} ({names}) {rows}")
            except pymysql.err.IntegrityError as fault:
                raise LabFault(f"two masks meet in {name}", evidence=str(fault)) from fault
            cursor.execute("SHOW WARNINGS")
            cut = [warning for warning in cursor.fetchall() if warning[1] in _CUT]
        if cut:
            raise LabFault(f"a mask does not fit into {name}", evidence="\n".join(str(line[2]) for line in cut[:5]))

    def _value(self, column: Column) -> str:
        """What a column's masked copy holds, as SQL."""
        name = f"t.{column.quoted}"
        if column.treatment is Treatment.KEEP:
            return name
        if column.treatment is Treatment.DROP:
            return dropped_sql(name, column.type)
        if column.type in DATES:
            digest = hashlib.sha256(self._masker.mask(str(column)).encode()).digest()
            return f"{name} + INTERVAL {int.from_bytes(digest[:2], 'big') % 700 + 30} DAY"
        value = name
        if column in self.looked_up:
            number = self._forms[Form.of(column)]
            key = f"k = {number} AND h = UNHEX(MD5(BINARY {name}))"
            value = f"IFNULL((SELECT v FROM `{SCRATCH}`.m WHERE {key}), {name})"
        if inline := self._inline(column, name):
            value = f"IF({inline[0]}, {inline[1]}, {value})"
        return value

    def _inline(self, column: Column, name: str) -> tuple[str, str] | None:
        """For which values SQL makes the mask by itself, and how; None where it makes none."""
        by_ascii = column.charset in CODECS and column.charset not in _WIDE
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


def dropped_sql(name: str, kind: str) -> str:
    """Content that is not needed at all, in SQL: as many x's as there were characters, of JSON the braces."""
    if kind in BINARY:
        return f"REPEAT('x', LENGTH({name}))"
    length = f"CHAR_LENGTH({name})"
    return (
        f"CASE LEFT({name}, 1) WHEN '{{' THEN CONCAT('{{', SPACE({length} - 2), '}}') "
        f"WHEN '[' THEN CONCAT('[', SPACE({length} - 2), ']') ELSE REPEAT('x', {length}) END"
    )


def _by_table(columns: Sequence[Column]) -> dict[tuple[str, str], list[Column]]:
    tables: dict[tuple[str, str], list[Column]] = {}
    for column in columns:
        tables.setdefault((column.database, column.table), []).append(column)
    return tables


def _is_looked_up(column: Column) -> bool:
    return column.treatment not in (Treatment.KEEP, Treatment.DROP) and column.type not in DATES


def _batches(number: int, function: Callable[[bytes], bytes], values: Iterator[bytes]) -> Iterator[list[str]]:
    """Rows for the table of masks, of the values that their mask changes."""
    batch: list[str] = []
    size = 0
    for old in values:
        new = function(old)
        if new == old:
            continue
        digest = hashlib.md5(old, usedforsecurity=False).hexdigest()
        batch.append(f"({number},X'{digest}',X'{new.hex()}')")
        size += len(batch[-1])
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
