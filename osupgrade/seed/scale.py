"""Multiplying a seeded cloud by set-based SQL: N clouds in one, each with all its relations within itself.

The seeding scripts give every id of the cloud's own contents a marker (``*/common.py``), so a copy is one REPLACE a
column and one INSERT ... SELECT a table; ``*/scale.toml`` lists the tables of a seeded cloud. Whole numbers that
are keys move on by a stride. What all copies share (hosts, agents, flavors, roles, the catalog) has no marker and stays
single.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy
from pydantic import Field
from sqlalchemy import text

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, read_toml, validate
from osupgrade.catalog.site import Site
from osupgrade.lab.sql_server import send
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.model.quoting import quoted

MARKER = "c000"
SECOND_MARKER = "4c0d"
MOST = 16384  # copies that fit behind the marker's first hex digit

_GREATEST_KEY = 2**31 - 1
_HOLDS_IDS = 32  # the least length of a column that can hold an id
_TEXT_TYPES = frozenset({"char", "varchar", "text", "mediumtext", "longtext", "tinytext"})


@dataclass(frozen=True)
class Copied:
    """How one table's rows are copied. Columns that are not named are copied, with the ids in their text rewritten."""

    table: str
    keys: tuple[str, ...] = ()
    """Whole numbers that are keys or refer to them: moved on by the stride."""
    owner: str = ""
    """A column that has the marker in the cloud's own rows; empty where every row is the cloud's own."""
    becomes: Mapping[str, str] = field(default_factory=dict)
    """Column -> expression; ``t`` is the row, ``copies.k`` the copy's number."""
    only: str = ""
    """A condition for the cloud's own rows where no column tells it; `{quoted(d)}` is the database."""


@dataclass(frozen=True)
class Column:
    """A column as information_schema knows it."""

    name: str
    kind: str
    length: int | None


@dataclass(frozen=True)
class Growth:
    """How many rows a table had and has."""

    service: str
    table: str
    before: int
    after: int
    seconds: float


@dataclass(frozen=True)
class Scaling:
    """How one database of a seeded cloud is multiplied.

    ``shared`` are the tables of which all copies have the same rows, so that an overlooked one shows up.
    ``deleted_by_id`` says that a soft-deleted row carries its own id in a column ``deleted``.
    """

    copied: tuple[Copied, ...]
    shared: frozenset[str]
    deleted_by_id: bool = False


@functools.cache
def load_scaling(seeder: str) -> Mapping[str, Scaling]:
    """How the clouds of a seeder are multiplied, by the databases' logical names; empty where it is not described."""
    file = content.images() / seeder / "seed" / "scale.toml"
    if not seeder or not file.is_file():
        return {}
    return {name: _scaling(validate(data, _Database, f"{file}: {name}")) for name, data in read_toml(file).items()}


class _Table(Strict):
    keys: str = ""
    owner: str = ""
    becomes: dict[str, str] = Field(default_factory=dict)
    only: str = ""


class _Database(Strict):
    shared: str
    copied: dict[str, _Table] = Field(default_factory=dict)
    shadows: bool = False
    deleted_by_id: bool = False


def _scaling(read: _Database) -> Scaling:
    copied = [
        Copied(table, tuple(each.keys.split()), each.owner, each.becomes, each.only)
        for table, each in read.copied.items()
    ]
    shared = read.shared.split()
    if read.shadows:  # each followed by its shadow
        copied = [each for one in copied for each in (one, replace(one, table=f"shadow_{one.table}"))]
        shared = [name for table in shared for name in (table, f"shadow_{table}")]
    return Scaling(tuple(copied), frozenset(shared), read.deleted_by_id)


def scale(
    engine: sqlalchemy.Engine,
    seeder: str,
    databases: Mapping[str, str],
    factor: int,
    progress: Callable[[str], None] = lambda _line: None,
) -> tuple[Growth, ...]:
    """Make ``factor`` clouds of one that ``seeder`` made; returns the rows of every copied table before and after.

    ``databases`` maps logical names to those on the server; those that are not there are left out. Raises UsageFault
    for a factor that cannot be and for databases of which the seeder says nothing, LabFault for a cloud whose ids have
    no marker: such a one was not seeded.
    """
    check_factor(seeder, databases, factor)
    grown: list[Growth] = []
    with engine.connect() as connection:
        for service, scaling in load_scaling(seeder).items():
            if service not in databases or not scaling.copied:
                continue
            started = time.monotonic()
            grown += _scale_database(connection, service, databases[service], scaling, factor)
            rows = sum(g.after for g in grown if g.service == service)
            progress(f"{service}: {rows:,} rows in {time.monotonic() - started:.1f} s")
    return tuple(grown)


def copied_from(name: str) -> str:
    """The name of what a copy with this name was copied from; an original's is its own."""
    return re.sub(r"-\d+$", "", name)


def site_of_copies(site: Site, factor: int) -> Site:
    """The site as its operator would describe it with every copy's physical networks."""
    entries = [entry.partition(":") for entry in site.network_vlan_ranges.split(",")]
    copies = [f"{name}-{k}{colon}{ranges}" for k in range(1, factor) for name, colon, ranges in entries if name]
    return replace(site, network_vlan_ranges=",".join([site.network_vlan_ranges, *copies]))


def check_factor(seeder: str, databases: Collection[str], factor: int) -> None:
    """Raise UsageFault for a factor that cannot be, and for databases of which the seeder does not say how."""
    if not 1 <= factor <= MOST:
        raise UsageFault(f"--scale must be from 1 to {MOST}, not {factor}")
    known = load_scaling(seeder)
    unknown = sorted(set(databases) - set(known))
    if factor > 1 and unknown:
        able = ", ".join(sorted(known)) or "nothing of this release"
        raise UsageFault(f"--scale can multiply a seeded {able}; it knows nothing of {', '.join(unknown)}")


def stride_for(greatest: int, factor: int) -> int:
    """By how much keys move from copy to copy: the power of ten above the greatest key in use.

    Raises UsageFault when so many copies do not fit into MySQL's signed INT.
    """
    stride = 1000
    while stride <= greatest:
        stride *= 10
    if stride * factor > _GREATEST_KEY:
        most = _GREATEST_KEY // stride
        raise UsageFault(
            f"--scale {factor}: a cloud with keys up to {greatest} can be multiplied {most} times at most",
            hint="seed a smaller cloud, or scale it less",
        )
    return stride


def statement(
    database: str, copied: Copied, columns: Sequence[Column], stride: int, *, deleted_by_id: bool = False
) -> str:
    """The one INSERT ... SELECT that makes all copies of a table's rows."""
    names = ", ".join(quoted(column.name) for column in columns)
    values = ", ".join(_value(copied, column, stride, deleted_by_id) for column in columns)
    # In the order of the primary key, which fills InnoDB's pages one after the other: numbers grow with the copy, ids
    # begin with eight digits of the original's.
    tables = (f"{quoted(database)}.osupgrade_original AS t", f"{quoted(database)}.osupgrade_copies AS copies")
    outer, inner = reversed(tables) if copied.keys else tables
    into = f"INSERT INTO {_place(database, copied)} ({names})"
    return f"{into} SELECT {values} FROM {outer} STRAIGHT_JOIN {inner}"


def original(database: str, copied: Copied, columns: Sequence[Column]) -> str:
    """The statement that sets the rows to be copied apart, so that reading them is not in the way of writing copies."""
    own = f" WHERE {quoted(copied.owner)} LIKE '%{MARKER}%{SECOND_MARKER}%'" if copied.owner else ""
    own = f" WHERE {copied.only.format(d=quoted(database))}" if copied.only else own
    return (
        f"CREATE TEMPORARY TABLE {quoted(database)}.osupgrade_original AS "
        f"SELECT * FROM {_place(database, copied)}{own} ORDER BY {quoted(columns[0].name)}"
    )


def _place(database: str, copied: Copied) -> str:
    return f"{quoted(database)}.{quoted(copied.table)}"


def _value(copied: Copied, column: Column, stride: int, deleted_by_id: bool) -> str:
    """What a copy holds in one column."""
    name = f"t.{quoted(column.name)}"
    if column.name in copied.becomes:
        return copied.becomes[column.name]
    if column.name in copied.keys:
        return f"{name} + copies.k * {stride}"
    if deleted_by_id and column.name == "deleted" and column.kind == "int":
        return f"IF({name} = 0, 0, {name} + copies.k * {stride})"
    if column.kind in _TEXT_TYPES and (column.length or 0) >= _HOLDS_IDS:
        # As bytes: MySQL 5.6 searches multi-byte text character by character, which takes twice as long.
        value = f"REPLACE(REPLACE(BINARY {name}, '-{MARKER}-', copies.dashed), '{MARKER}{SECOND_MARKER}', copies.plain)"
        # A tap device is named by the first eleven characters of its port's id: they end within the marker.
        return f"REPLACE({value}, '-{MARKER[:2]}\"', copies.tap)" if column.kind != "varchar" else value
    return name


def _scale_database(
    connection: sqlalchemy.Connection, service: str, database: str, scaling: Scaling, factor: int
) -> Iterable[Growth]:
    """Copy every table of one database."""
    columns = _columns(connection, database)
    present = [c for c in scaling.copied if c.table in columns]
    greatest = max((_greatest(connection, database, c) for c in present), default=0)
    stride = stride_for(greatest, factor)
    _number_copies(connection, database, factor)
    grown = []
    for table in present:
        before = _count(connection, database, table)
        started = time.monotonic()
        if before and factor > 1:
            _refuse_unmarked(connection, database, table, columns[table.table])
            send(connection, original(database, table, columns[table.table]))
            made = statement(database, table, columns[table.table], stride, deleted_by_id=scaling.deleted_by_id)
            send(connection, made)
            send(connection, f"DROP TEMPORARY TABLE {quoted(database)}.osupgrade_original")
            connection.commit()
        seconds = time.monotonic() - started
        after = _count(connection, database, table)
        grown.append(Growth(service, table.table, before, after, seconds))
    send(connection, f"DROP TEMPORARY TABLE {quoted(database)}.osupgrade_copies")
    return grown


def _columns(connection: sqlalchemy.Connection, database: str) -> Mapping[str, Sequence[Column]]:
    """Every table's columns in their order."""
    query = text(
        "SELECT table_name, column_name, data_type, character_maximum_length FROM information_schema.columns "
        "WHERE table_schema = :database ORDER BY table_name, ordinal_position"
    )
    columns: dict[str, list[Column]] = {}
    for table, name, kind, length in connection.execute(query, {"database": database}):
        columns.setdefault(table, []).append(Column(name, kind, length))
    return columns


def _greatest(connection: sqlalchemy.Connection, database: str, copied: Copied) -> int:
    if not copied.keys:
        return 0
    found = send(connection, f"SELECT MAX({quoted(copied.keys[0])}) FROM {_place(database, copied)}").scalar()
    return int(found or 0)


def _count(connection: sqlalchemy.Connection, database: str, copied: Copied) -> int:
    return int(send(connection, f"SELECT COUNT(*) FROM {_place(database, copied)}").scalar_one())


def _refuse_unmarked(
    connection: sqlalchemy.Connection, database: str, copied: Copied, columns: Sequence[Column]
) -> None:
    """Tables whose key is an id: a row without the marker would be its own copy."""
    if copied.owner or copied.keys or columns[0].name != "id":
        return
    unmarked = f"SELECT `id` FROM {_place(database, copied)} WHERE `id` NOT LIKE '%-{MARKER}-%' LIMIT 3"
    found = [str(row[0]) for row in send(connection, unmarked)]
    if found:
        raise LabFault(
            f"{database}.{copied.table} has ids without the seed's marker, such as {', '.join(found)}: "
            "only clouds that osupgrade seeded can be multiplied"
        )


def _number_copies(connection: sqlalchemy.Connection, database: str, factor: int) -> None:
    """The numbers of the copies, with what takes each marker's place."""
    send(
        connection,
        f"CREATE TEMPORARY TABLE {quoted(database)}.osupgrade_copies (k INT PRIMARY KEY, "
        "dashed CHAR(6), plain CHAR(8), tap CHAR(4)) CHARACTER SET ascii",
    )
    rows = []
    for k in range(1, factor):
        tag = f"{int(MARKER, 16) + k:x}"
        rows.append({"k": k, "dashed": f"-{tag}-", "plain": f"{tag}{SECOND_MARKER}", "tap": f'-{tag[:2]}"'})
    if rows:
        insert = f"INSERT INTO {quoted(database)}.osupgrade_copies VALUES (:k, :dashed, :plain, :tap)"
        connection.execute(text(insert), rows)
