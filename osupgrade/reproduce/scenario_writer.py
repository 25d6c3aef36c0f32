"""What is left of a shrunk cloud as a scenario: ``scenario.py``, ``README.md`` and the dump that they are about."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from osupgrade.catalog.render import render
from osupgrade.catalog.site import Site
from osupgrade.cloud.route import Step
from osupgrade.lab.database import DatabaseServer
from osupgrade.model.errors import UsageFault
from osupgrade.model.failure import Failure
from osupgrade.model.quoting import literal, quoted
from osupgrade.model.release import version_column
from osupgrade.model.step import StepResult
from osupgrade.model.text import counted
from osupgrade.reproduce.archive import site_text
from osupgrade.scenarios.helpers import definition
from osupgrade.schema.catalogue import Lineage
from osupgrade.schema.reading import read_schema
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Table

LONG = 60
"""A value of more characters is compared by its SHA-256, and cut where people read it."""
DUMP = "cloud.sql"


@dataclass(frozen=True)
class Left:
    """What a shrunk database is made of, as conditions that find it again; places are ``database.table``.

    ``missing`` are upstream's tables that were away before anything was left out, ``tables`` those that are defined
    differently from upstream's, with the hash of their definition.
    """

    revisions: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]
    tables: Mapping[str, str]
    rows: Mapping[str, tuple[str, ...]]
    inserts: tuple[str, ...]
    """The rows as people read them."""
    named: Mapping[str, int]
    """Every table that stays, and its rows."""

    @property
    def contents(self) -> str:
        """How much there is, in words."""
        rows, full = sum(self.named.values()), [name for name, rows in self.named.items() if rows]
        where = f" in {', '.join(full)}" if full else ""
        return f"{counted(rows, '{n} row[s]')}{where}, {counted(len(self.named), '{n} table[s]')} in all"


def describe(
    server: DatabaseServer, databases: Mapping[str, str], step: Step, line: Lineage | None, before: Mapping[str, Schema]
) -> Left:
    """What the databases (logical name -> name on the server) hold; ``before`` are the schemas before shrinking."""
    version_tables = {d.name: d.version_table for d in step.databases}
    revisions: dict[str, tuple[str, ...]] = {}
    missing: list[str] = []
    tables: dict[str, str] = {}
    rows: dict[str, tuple[str, ...]] = {}
    named: dict[str, int] = {}
    inserts: list[str] = []
    for logical, database in databases.items():
        schema = read_schema(server, database)
        version_table = version_tables.get(logical, "")
        versions: tuple[str, ...] = ()
        for table in schema.tables:
            place = f"{logical}.{table.name}"
            columns, found = _rows(server, database, table.name)
            named[place] = len(found)
            if table.name == version_table:
                column = version_column(version_table)
                versions = tuple(sorted(str(row[columns.index(column)]) for row in found))
            elif found:
                rows[place] = tuple(_condition(columns, row) for row in found)
                inserts += [_insert(place, columns, row) for row in found]
        if version_table:
            revisions[f"{logical}.{version_table}"] = versions
        known = upstream(line, versions) if logical == step.service else {}
        if known:
            missing += [
                f"{logical}.{name}" for name, (_, sure) in known.items() if sure and not before[logical].table(name)
            ]
            tables |= {
                f"{logical}.{table.name}": definition(table)
                for table in schema.tables
                if table.name != version_table and table != known.get(table.name, (None, False))[0]
            }
    return Left(revisions, tuple(missing), tables, rows, tuple(inserts), named)


def upstream(line: Lineage | None, versions: Sequence[str]) -> Mapping[str, tuple[Table, bool]]:
    """Upstream's tables at the database's revision, and whether each must be there.

    Empty where the catalogue does not know the revision.
    """
    if line is None or len(versions) != 1 or line.position(versions[0]) is None:
        return {}
    revision = line.at(versions[0])
    optional = {name: (table, False) for name, table in line.optional(revision).items()}
    return optional | {table.name: (table, True) for table in revision.schema.tables}


def check_directory(directory: Path) -> None:
    """Refuse a place where a scenario cannot be written; raises UsageFault before any work is done."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", directory.name):
        raise UsageFault(
            f"{directory.name!r} is not a valid name for a scenario: use lower-case letters, digits and hyphens"
        )
    if directory.exists():
        raise UsageFault(f"{directory} already exists", hint="choose another -o, or move it")


def write_scenario(
    directory: Path,
    *,
    into: Path,
    step: Step,
    site: Site,
    failure: Failure,
    result: StepResult,
    left: Left,
    complete: bool,
    masked: bool,
    found_by: Sequence[str],
) -> None:
    """Write ``scenario.py`` and ``README.md`` into ``directory``, beside the dump.

    ``into`` is where the directory will lie; ``found_by`` names the lab's own scenarios that found something.
    """
    usual = asdict(Site())
    own_site = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(site).items()
        if value != usual[key] and key != "migrations"
    }
    version = ", ".join(v for versions in failure.left_at.values() for v in versions)
    facts: dict[str, Any] = {
        "name": directory.name,
        "into": into,
        "title": f"{step.service} stops at {step.name}: {_short(failure.text, 90)}",
        "step": step.name,
        "service": step.service,
        "site": own_site,
        "site_lines": site_text(site).splitlines(),
        "error": failure.pattern,
        "revision": failure.revision,
        "version": version,
        "error_text": _short(result.diagnosis.error if result.diagnosis else "; ".join(result.problems), 400),
        "contents": left.contents,
        "complete": complete,
        "masking": "Its values are masked." if masked else "Its values are NOT masked: keep it in the house.",
        "found_by": found_by,
        "revisions": {place: list(versions) for place, versions in left.revisions.items()},
        "missing": list(left.missing),
        "tables": left.tables,
        "rows": left.rows,
        "inserts": left.inserts,
    }
    for name in ("scenario.py", "README.md"):
        text = render(Path(__file__).with_name(f"{name}.in"), facts, filters={"repr": repr})
        (directory / name).write_text(text, "utf-8")


def _rows(server: DatabaseServer, database: str, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    sql = (
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "ORDER BY ordinal_position"
    )
    columns = [str(row[0]) for row in server.rows("", sql, (database, table))]
    return columns, server.rows(database, f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(table)}")


def _condition(columns: Sequence[str], row: Sequence[Any]) -> str:
    """What finds a row again, value by value; floating numbers are left out, they are not equal to what they look."""
    parts = []
    for column, value in zip(columns, row, strict=True):
        name = quoted(column)
        if value is None:
            parts.append(f"{name} IS NULL")
        elif isinstance(value, (str, bytes)) and len(value) > LONG:
            raw = value.encode() if isinstance(value, str) else value
            digest = hashlib.sha256(raw).hexdigest()
            compared = f"CONVERT({name} USING utf8mb4)" if isinstance(value, str) else name
            parts.append(f"SHA2({compared}, 256) = {literal(digest)}")
        elif not isinstance(value, float):
            parts.append(f"{name} = {_literal(value)}")
    return " AND ".join(parts) or "1"


def _insert(place: str, columns: Sequence[str], row: Sequence[Any]) -> str:
    filled = [(c, v) for c, v in zip(columns, row, strict=True) if v is not None]
    values = ", ".join(_short(_literal(value), LONG) for _, value in filled)
    return (
        f"INSERT INTO {quoted(place.partition('.')[2])} ({', '.join(quoted(c) for c, _ in filled)}) VALUES ({values});"
    )


def _literal(value: Any) -> str:
    if isinstance(value, datetime.timedelta):
        return f"SEC_TO_TIME({int(value.total_seconds())})"
    return literal(value)


def _short(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1]}…"
