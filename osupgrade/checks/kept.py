"""Every row keeps its content: what a migration of the path changes on purpose is listed, all else is damage.

For paths whose migrations add far more than they move. The list is ``osupgrade/openstack/common/kept.toml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, load_toml
from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.quoting import quoted
from osupgrade.model.stage import VERIFY

Key = tuple[Any, ...]
Table = tuple[str, str]
"""A database's logical name and a table's."""


@dataclass(frozen=True)
class Content:
    """A table's content: for each row, by its primary key, a checksum of each other column's bytes."""

    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Mapping[Key, tuple[int, ...]]


_COLUMNS = (
    "SELECT c.table_name, c.column_name, c.column_key = 'PRI' FROM information_schema.columns c "
    "JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name "
    "WHERE c.table_schema = DATABASE() AND t.table_type = 'BASE TABLE' ORDER BY c.table_name, c.ordinal_position"
)


class Explained(Strict):
    """What migrations change on purpose: ``database.table``, ``database.table.column``, and rows by a condition."""

    tables: dict[str, str]
    columns: dict[str, str]
    rows: dict[str, str]


@cache
def explained() -> Explained:
    """What ``kept.toml`` explains."""
    return load_toml(content.service_file("common", "kept.toml"), Explained)


def _census(cloud: Cloud) -> Mapping[Table, Content]:
    found = {}
    for database in cloud.databases:
        keys: dict[str, list[str]] = {}
        others: dict[str, list[str]] = {}
        for table, column, primary in cloud.rows(database, _COLUMNS):
            (keys if primary else others).setdefault(table, []).append(column)
        for table, key in keys.items():
            if f"{database}.{table}" not in explained().tables:
                columns = [c for c in others.get(table, ()) if f"{database}.{table}.{c}" not in explained().columns]
                found[database, table] = _content(cloud, database, table, key, columns)
    return found


def _content(cloud: Cloud, database: str, table: str, key: Sequence[str], columns: Sequence[str]) -> Content:
    # The bytes themselves, whatever character set a migration gives the column; NULL is no empty text.
    sums = [f"CRC32(COALESCE(CONCAT('=', CAST({quoted(column)} AS BINARY)), 'NULL'))" for column in columns]
    names = [f"CAST({quoted(column)} AS BINARY)" for column in key]
    but = explained().rows.get(f"{database}.{table}", "FALSE")
    rows = cloud.rows(database, f"SELECT {', '.join([*names, *sums])} FROM {quoted(table)} WHERE NOT ({but})")
    width = len(key)
    content = {tuple(row[:width]): tuple(int(cell) for cell in row[width:]) for row in rows}
    return Content(tuple(key), tuple(columns), content)


def _compare(cloud: Cloud, before: Mapping[Table, Content]) -> Iterator[Finding]:
    after = _census(cloud)
    for (database, table), was in before.items():
        now = after.get((database, table))
        if now is None:
            if was.rows:
                yield _told(database, table, "all gone, with their table", was, [(_text(key), "") for key in was.rows])
            continue
        shared = [(was.columns.index(c), now.columns.index(c), c) for c in was.columns if c in now.columns]
        lost = [(_text(key), "gone") for key in was.rows if key not in now.rows]
        new = [(_text(key), "new") for key in now.rows if key not in was.rows]
        changed = [
            (_text(key), ", ".join(c for i, j, c in shared if sums[i] != now.rows[key][j]))
            for key, sums in was.rows.items()
            if key in now.rows and any(sums[i] != now.rows[key][j] for i, j, _ in shared)
        ]
        odd = [*lost, *new, *changed]
        if odd:
            counts = ((lost, "gone"), (new, "new"), (changed, "changed"))
            yield _told(database, table, ", ".join(f"{len(rows)} {what}" for rows, what in counts if rows), was, odd)


def _told(database: str, table: str, what: str, was: Content, rows: Sequence[tuple[str, str]]) -> Finding:
    return Finding(
        source=check.name,
        severity=Severity.ERROR,
        service=database.split("_", maxsplit=1)[0],
        place=f"{database}.{table}",
        message=f"rows of {database}.{table}: {what}",
        consequence="no known migration of this path explains it",
        evidence=Evidence.of((" ".join(was.key), "what changed"), sorted(rows)),
    )


def _text(key: Key) -> str:
    return " ".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in key)


check = Check(
    name="kept",
    title="Every row keeps its content, or a known migration explains the change",
    services=(),
    stages=(VERIFY,),
    census=_census,
    compare=_compare,
)
