"""The columns of restored databases: which there are, what becomes of each, and what has to be known before masking."""

from __future__ import annotations

import contextlib
import difflib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pymysql
import pymysql.cursors

from osupgrade.dump.policy import Policy, Treatment, known_columns
from osupgrade.lab.database import DatabaseServer
from osupgrade.model.errors import UsageFault
from osupgrade.model.quoting import quoted
from osupgrade.schema import catalogue

TEXT = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
DATES = frozenset({"date", "datetime", "timestamp"})
LEFT = frozenset({"enum", "set", "bit", "time", "year"})
"""Types whose values say nothing, or that the schema itself spells out."""
NETS = frozenset({"cidr", "cidr_v6", "destination", "remote_ip_prefix"})
HOSTS = frozenset({"host", "hypervisor_hostname", "launched_on"})
IN_MEMORY = 256 << 20
"""Bytes that the server may take for one temporary table before it goes to disk."""


@dataclass(frozen=True)
class Column:
    """A column as it is treated. ``known`` is whether any revision of the service has it; ``longest`` in characters."""

    service: str
    database: str
    table: str
    name: str
    type: str
    charset: str
    longest: int
    keyed: bool
    known: bool
    treatment: Treatment
    spared: str = ""
    """What the operator's policy calls it where that wants it hidden with others, and it can only be kept."""

    def __str__(self) -> str:
        return f"{self.service}.{self.table}.{self.name}"

    @property
    def quoted(self) -> str:
        """Its name as SQL has it."""
        return quoted(self.name)

    @property
    def of(self) -> str:
        """Its table as SQL has it, with the database."""
        return f"{quoted(self.database)}.{quoted(self.table)}"


def columns_of(server: DatabaseServer, service: str, database: str, policy: Policy) -> Iterator[Column]:
    """Every column of a database's tables and what becomes of it.

    Raises UsageFault for one that the operator's policy names and hides though other rows are found by it, or the
    schema itself spells its values out; among those of ``*.column`` it is spared.
    """
    known = known_columns(service)
    keyed = {
        (table, name)
        for table, name in server.rows(
            "", "SELECT table_name, column_name FROM information_schema.statistics WHERE table_schema = %s", (database,)
        )
    }
    sql = """SELECT c.table_name, c.column_name, c.data_type, COALESCE(c.character_set_name, ''),
                    COALESCE(c.character_maximum_length, 0)
             FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE c.table_schema = %s AND t.table_type = 'BASE TABLE' AND c.extra NOT LIKE '%%GENERATED%%'
             ORDER BY c.table_name, c.ordinal_position"""
    for table, name, kind, charset, longest in server.rows("", sql, (database,)):
        is_known = (table, name) in known
        is_keyed = (table, name) in keyed
        said = policy.treatment(table, name)
        hidden = policy.hides(table, name) if kind not in TEXT | BINARY else ""
        spared = hidden if hidden.startswith("*.") and (is_keyed or kind in LEFT) else ""
        if hidden and not spared and (is_keyed or kind in LEFT):
            why = "a number of a key, by which rows find each other" if is_keyed else f"of the type {kind}"
            raise UsageFault(
                f'the policy says "{table}.{name}" = "{said}", but it is {why}: it can only be kept',
                hint="take it out of the file given with --policy",
            )
        if hidden and not spared:
            treatment = Treatment.MASK
        elif kind in LEFT:
            treatment = Treatment.KEEP
        elif kind in TEXT:
            treatment = said or Treatment.MASK
        elif kind in BINARY:
            treatment = said or Treatment.DROP
        else:
            treatment = Treatment.KEEP if is_known or is_keyed else said or Treatment.MASK
        if treatment is Treatment.DROP and is_keyed:
            treatment = Treatment.MASK
        yield Column(service, database, table, name, kind, charset, longest, is_keyed, is_known, treatment, spared)


def check_named(columns: Sequence[Column], policy: Policy) -> None:
    """Raise UsageFault for a column that the operator's policy names and nobody has: what he meant stays as it is.

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
                f'the policy names "{name}", which is no column of the dumps or of any service',
                hint=f"did you mean {' or '.join(near)}?" if near else "take it out of the file given with --policy",
            )


def wide_nets(server: DatabaseServer, columns: Sequence[Column]) -> frozenset[int]:
    """First octets of nets wider than /16: the second octet is part of the host's address there."""
    found = set()
    for column in columns:
        if column.name in NETS and column.type in TEXT:
            for value in _texts(server, column):
                address, slash, length = value.partition("/")
                if slash and length.isdigit() and int(length) < 16 and address.partition(".")[0].isdigit():
                    found.add(int(address.partition(".")[0]))
    return frozenset(found)


def hosts(server: DatabaseServer, columns: Sequence[Column]) -> frozenset[str]:
    """The names of all hosts of the cloud."""
    named = [column for column in columns if column.name in HOSTS and column.type in TEXT]
    return frozenset(value for column in named for value in _texts(server, column))


def access_keys(server: DatabaseServer, columns: Sequence[Column]) -> frozenset[str]:
    """EC2 access keys, in Grizzly's table and in Icehouse's credentials."""
    found: set[str] = set()
    for column in columns:
        if (column.table, column.name) == ("ec2_credential", "access"):
            found.update(_texts(server, column))
        elif (column.table, column.name) == ("credential", "blob"):
            for value in _texts(server, column):
                with contextlib.suppress(ValueError, TypeError, KeyError):
                    found.add(str(json.loads(value)["access"]))
    return frozenset(found)


def listed_words(server: DatabaseServer, columns: Sequence[Column], policy: Policy) -> frozenset[str]:
    """The services' own words that stand in the columns which the policy says list them."""
    listing = [c for c in columns if f"{c.table}.{c.name}" in policy.listed and c.type in TEXT]
    return frozenset(v for column in listing for v in _texts(server, column) if not v.startswith(policy.own_prefix))


def connected(server: DatabaseServer, database: str = "") -> pymysql.Connection[Any]:
    """A connection of one's own for long work, which nobody waits for to be safe."""
    login = server.admin
    return pymysql.connect(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password,
        database=database or None,
        charset="utf8mb4",
        autocommit=True,
        ssl_disabled=True,  # else each connection reads the machine's certificates first: 50 ms
        init_command=f"SET SESSION tmp_table_size = {IN_MEMORY}, max_heap_table_size = {IN_MEMORY}",
    )


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


def names_of(server: DatabaseServer, databases: Collection[str]) -> frozenset[str]:
    """The names of all tables, columns, indexes and constraints."""
    sources = (
        "SELECT table_name FROM information_schema.tables WHERE table_schema IN %s",
        "SELECT column_name FROM information_schema.columns WHERE table_schema IN %s",
        "SELECT index_name FROM information_schema.statistics WHERE table_schema IN %s",
        "SELECT constraint_name FROM information_schema.table_constraints WHERE table_schema IN %s",
    )
    return frozenset(str(name) for sql in sources for (name,) in server.rows("", sql, (tuple(databases),)))


def _texts(server: DatabaseServer, column: Column) -> Iterator[str]:
    with connected(server) as connection:
        for value in distinct(connection, column):
            yield value.decode("utf-8", "replace")
