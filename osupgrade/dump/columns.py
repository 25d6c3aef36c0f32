"""The columns of restored databases: which there are, what becomes of each, and what has to be known before masking."""

from __future__ import annotations

import contextlib
import difflib
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pymysql
import pymysql.cursors

from osupgrade.dump.mask.columns import BINARY, LEFT, TEXT, Column
from osupgrade.dump.policy import Policy, Treatment, known_columns, upstream_names
from osupgrade.lab.database import DatabaseServer
from osupgrade.model.errors import UsageFault
from osupgrade.schema import catalogue

IN_MEMORY = 256 << 20
"""Bytes that the server may take for one temporary table before it goes to disk."""
TABLES = ("BASE TABLE", "SYSTEM VERSIONED")
"""What servers call a table that holds rows of its own."""

Place = tuple[str, str]
"""A table and a column."""


def columns_of(server: DatabaseServer, service: str, database: str, policy: Policy) -> Iterator[Column]:
    """Every column of a database's tables and what becomes of it.

    Raises UsageFault for one that the operator's policy names and hides though other rows are found by it, or the
    schema itself spells its values out; one that is hidden by ``*.column`` only is spared.
    """
    known = known_columns(service)
    keyed: set[Place] = {
        (table, name)
        for table, name in server.rows(
            "", "SELECT table_name, column_name FROM information_schema.statistics WHERE table_schema = %s", (database,)
        )
    }
    counted = _counted(server, database, known)
    sql = """SELECT table_name, column_name, data_type, COALESCE(character_set_name, ''),
                    COALESCE(character_maximum_length, 0), column_type, is_nullable
             FROM information_schema.columns WHERE table_schema = %s AND extra NOT LIKE '%% GENERATED%%'
             ORDER BY table_name, ordinal_position"""
    tables = {  # not joined, because the server would find names equal that differ in case
        table
        for (table,) in server.rows(
            "",
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type IN %s",
            (database, TABLES),
        )
    }
    for table, name, kind, charset, longest, full, nullable in server.rows("", sql, (database,)):
        if table not in tables:
            continue
        place = (table, name)
        # The number of a row: other rows find it by it.
        row = place in keyed and kind not in TEXT | BINARY and (place in known or place in counted)
        treatment, spared = _treatment(place, kind, policy, known=place in known, keyed=place in keyed, row=row)
        yield Column(
            service=service,
            database=database,
            table=table,
            name=name,
            type=kind,
            charset=charset,
            longest=longest,
            keyed=place in keyed,
            known=place in known,
            treatment=treatment,
            spared=spared,
            full_type=full,
            nullable=nullable == "YES",
            texts=known.get(place, frozenset()),
        )


def _counted(server: DatabaseServer, database: str, known: Collection[Place]) -> frozenset[Place]:
    """Columns that the server counts up, and those that refer to a known one: their numbers are known ones too."""
    counted = server.rows(
        "",
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s AND extra LIKE "
        "'%%auto_increment%%'",
        (database,),
    )
    links = server.rows(
        "",
        "SELECT table_name, column_name, referenced_table_name, referenced_column_name "
        "FROM information_schema.key_column_usage WHERE table_schema = %s AND referenced_table_name IS NOT NULL",
        (database,),
    )
    found: set[Place] = {(table, column) for table, column in counted}
    size = -1
    while size != len(found):  # a chain of references
        size = len(found)
        for one, other in (((a, b), (c, d)) for a, b, c, d in links):
            if any(place in found or place in known for place in (one, other)):
                found |= {one, other}
    return frozenset(found)


def _treatment(
    place: Place, kind: str, policy: Policy, *, known: bool, keyed: bool, row: bool
) -> tuple[Treatment, str]:
    """What becomes of a column, and by which name the operator's policy hides it where it is kept all the same."""
    said = policy.treatment(*place)
    upstream = known or upstream_names().issuperset(place)
    if said is Treatment.KEEP and not upstream and not policy.names(*place):
        said = None  # a column of the site's own that only has the name of one that is kept
    hidden = policy.hides(*place) if kind not in TEXT | BINARY else ""
    fixed = row or (known and kind in LEFT)
    if hidden and fixed:
        if not hidden.startswith("*."):
            why = "a number of a key, by which rows find each other" if row else f"of the type {kind}"
            raise UsageFault(
                f'the policy says "{hidden}" = "{said}", but {".".join(place)} is {why}: it can only be kept',
                hint="remove it from the --policy file",
            )
        return Treatment.KEEP, hidden
    if hidden:
        return Treatment.MASK, ""
    if kind in TEXT:
        treatment = said or Treatment.MASK
    elif kind in BINARY:
        treatment = said or Treatment.DROP
    else:
        return (Treatment.KEEP if known or row or said is Treatment.KEEP else Treatment.MASK), ""
    return (Treatment.MASK if treatment is Treatment.DROP and keyed else treatment), ""


def check_named(columns: Sequence[Column], policy: Policy) -> None:
    """Raise UsageFault for a column that the operator's policy names and no table has: the one meant stays unmasked.

    The dumps have it, or any revision of a service; of a table of a service that is not among the dumps, nothing is
    known of its own columns.
    """
    here = {(column.table.removeprefix("shadow_"), column.name) for column in columns}
    others = {service: known_columns(service) for service in catalogue.services()} if policy.own else {}
    given = {column.service for column in columns}
    known = here.union(*others.values())
    mine = here.union(*(others.get(service, ()) for service in given))
    elsewhere = {table for table, _ in known} - {table for table, _ in mine}
    names = {f"{table}.{name}" for table, name in known} | {f"*.{name}" for _, name in known}
    for name in sorted(policy.own - names):
        if name.partition(".")[0] not in elsewhere:
            near = difflib.get_close_matches(name, sorted(names), 3)
            raise UsageFault(
                f'the policy names "{name}", which is not a column of the dumps or of any service',
                hint=f"did you mean {' or '.join(near)}?" if near else "remove it from the --policy file",
            )


def wide_nets(server: DatabaseServer, columns: Sequence[Column], policy: Policy) -> frozenset[int]:
    """First octets of nets wider than /16: the second octet is part of the host's address there."""
    found = set()
    for column in columns:
        if column.name in policy.nets and column.type in TEXT:
            for value in _texts(server, column):
                address, slash, length = value.partition("/")
                if slash and length.isdecimal() and int(length) < 16 and address.partition(".")[0].isdecimal():
                    found.add(int(address.partition(".")[0]))
    return frozenset(found)


def sources(server: DatabaseServer, columns: Sequence[Column], names: str) -> frozenset[str]:
    """The values of the columns with these names, out of which services compute others.

    A name is ``table.column`` or ``*.column``, or either with ``:key`` for a key of the JSON in it.
    """
    found: set[str] = set()
    for name in names.split():
        place, _, key = name.partition(":")
        for column in columns:
            if place in (f"{column.table}.{column.name}", f"*.{column.name}") and column.type in TEXT:
                values = _texts(server, column)
                found.update(_under(key, values) if key else values)
    return frozenset(found)


def _under(key: str, values: Iterator[str]) -> Iterator[str]:
    for value in values:
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            yield str(json.loads(value)[key])


def listed_words(server: DatabaseServer, columns: Sequence[Column], policy: Policy) -> frozenset[str]:
    """The services' own words in the columns that list them according to the policy."""
    listing = [c for c in columns if f"{c.table}.{c.name}" in policy.listed and c.type in TEXT]
    return frozenset(v for column in listing for v in _texts(server, column) if not v.startswith(policy.own_prefix))


def connected(server: DatabaseServer, database: str = "") -> pymysql.Connection[Any]:
    """A connection of its own for long work, outside of the server's pool."""
    in_memory = f"SET SESSION tmp_table_size = {IN_MEMORY}, max_heap_table_size = {IN_MEMORY}"
    return server.admin.connect(database, charset="utf8mb4", autocommit=True, init_command=in_memory)


def distinct(connection: pymysql.Connection[Any], column: Column, where: str = "") -> Iterator[bytes]:
    """The distinct values of a column as bytes, one after the other without holding them."""
    with connection.cursor(pymysql.cursors.SSCursor) as cursor:
        more = f" AND {where}" if where else ""
        cursor.execute(f"SELECT DISTINCT BINARY {column.quoted} FROM {column.of} WHERE {column.quoted} <> ''{more}")
        for (value,) in cursor:
            yield value


def filled(server: DatabaseServer, columns: Sequence[Column]) -> list[Column]:
    """The columns whose tables have rows."""
    tables = {column.of for column in columns}
    with connected(server) as connection, connection.cursor() as cursor:
        full = {table for table in tables if cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")}
    return [column for column in columns if column.of in full]


def _texts(server: DatabaseServer, column: Column) -> Iterator[str]:
    with connected(server) as connection:
        for value in distinct(connection, column):
            yield value.decode("utf-8", "replace")
