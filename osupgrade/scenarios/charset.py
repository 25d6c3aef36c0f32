"""Giving tables of a database another character set so that they end as upstream's, foreign keys and all."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.quoting import quoted
from osupgrade.schema.catalogue import knows, lineage, variants
from osupgrade.schema.diff import described
from osupgrade.schema.reading import collation_of, read_schema
from osupgrade.schema.tables import Column, Table, charset_of

STRICT = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"
"""A text that grows too long for its column is then refused instead of cut, and a backslash escapes."""
_COMMENTS = (
    "SELECT table_name, column_name, column_comment FROM information_schema.columns "
    "WHERE table_schema = DATABASE() AND column_comment <> ''"
)


def conversion(
    cloud: Cloud, database: str, tables: Iterable[str], charset: str = "utf8", collation: str = ""
) -> tuple[str, ...]:
    """The statements, for one session, that give ``tables`` a character set. No tables that lack it, no statements.

    Each of upstream's text columns keeps its type: ``CONVERT TO`` would make MEDIUMTEXT of TEXT. Columns and tables of
    the operator's own keep what they have: the tools look at the tables' default alone, which changes.
    MySQL 5 converts both ends of a foreign key while its checks are off. Others refuse that all the same, so there the
    keys are dropped and made again.
    """
    schema = read_schema(cloud.server, cloud.databases[database])
    wanted = [table for name in sorted(tables) if (table := schema.table(name)) is not None]
    if not wanted:
        return ()
    known = _upstream(database)
    comments = {(row[0], row[1]): row[2] for row in cloud.rows(database, _COMMENTS)}
    target = f"CHARACTER SET {charset}" + (f" COLLATE {collation}" if collation else "")
    usual = collation or _usual(cloud, database, charset)
    convert, changed = [], set()
    for table in wanted:
        upstream = known.get(table.name, {})
        columns = [c for c in table.columns if _differs(c, upstream.get(c.name), charset, collation, usual)]
        if not columns and table.collation == usual:
            continue  # it is as wanted: only the database's default differs
        changed |= {(table.name, column.name) for column in columns}
        modified = [
            _modified(
                column,
                target if collation else _target(charset, upstream[column.name]),
                comments.get((table.name, column.name), ""),
            )
            for column in columns
        ]
        convert.append(f"ALTER TABLE {quoted(table.name)} {', '.join([f'DEFAULT {target}', *modified])}")
    if not convert:
        return ()
    drop: list[str] = []
    add: list[str] = []
    if not cloud.server.version.startswith("5."):
        drop, add = _keys(schema.tables, changed)
    return ("SET foreign_key_checks = 0", STRICT, *drop, *convert, *add, "SET foreign_key_checks = 1")


@functools.lru_cache(maxsize=16)
def _upstream(database: str) -> Mapping[str, Mapping[str, Column]]:
    """Every column that the service ever has, by table and name."""
    found: dict[str, dict[str, Column]] = {}
    for variant in variants(database) if knows(database) else ():
        for revision in lineage(database, variant).revisions:
            for table in revision.schema.tables:
                found.setdefault(table.name, {}).update({column.name: column for column in table.columns})
    return found


def _usual(cloud: Cloud, database: str, charset: str) -> str:
    """The collation that the server gives a character set; since MariaDB 11.5 not the one it lists as the default."""
    return collation_of(cloud.value(database, f"SELECT COLLATION(CONVERT('' USING {charset}))"))


def _differs(column: Column, upstream: Column | None, charset: str, collation: str, usual: str) -> bool:
    """Whether a column is one of upstream's text columns and has another character set, or another collation."""
    if upstream is None or not column.collation:
        return False
    if collation:
        return column.collation != collation
    if upstream.charset == charset:
        return column.collation != (usual if _has_default(charset, upstream) else upstream.collation)
    return column.charset != charset


def _target(charset: str, upstream: Column) -> str:
    """The character set that a column is to have; upstream's own collation of it, where that belongs to it."""
    return f"CHARACTER SET {charset}" + ("" if _has_default(charset, upstream) else f" COLLATE {upstream.collation}")


def _has_default(charset: str, upstream: Column) -> bool:
    """Whether upstream leaves the collation of a column to the server; the catalogue was made where that is general."""
    return charset_of(upstream.collation) != charset or upstream.collation == f"{charset}_general_ci"


def _modified(column: Column, target: str, comment: str) -> str:
    rest = described(replace(column, collation=""))[len(column.type) :]
    # COMMENT takes a plain string and nothing else.
    text = comment.replace("\\", "\\\\").replace("'", "''")
    said = f" COMMENT '{text}'" if comment else ""
    return f"MODIFY {quoted(column.name)} {column.type} {target}{rest}{said}"


def _keys(tables: Iterable[Table], changed: Collection[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """The statements that drop, and make again, every foreign key with a column at either end that changes."""
    drop, add = [], []
    for table in tables:
        for key in table.foreign_keys:
            ends = {(table.name, c) for c in key.columns} | {(key.table, c) for c in key.referred}
            if ends & set(changed):
                columns = ", ".join(map(quoted, key.columns))
                alter = f"ALTER TABLE {quoted(table.name)}"
                drop.append(f"{alter} DROP FOREIGN KEY {quoted(key.name)}")
                add.append(f"{alter} ADD CONSTRAINT {quoted(key.name)} FOREIGN KEY ({columns}) {described(key)}")
    return drop, add
