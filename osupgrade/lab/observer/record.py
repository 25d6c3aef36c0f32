"""Reading what the observer wrote down in a tool's process (``inside/osupgrade_observer.py`` says in which form)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from osupgrade.lab.observer.statement import work_of
from osupgrade.model.release import VERSION_TABLES
from osupgrade.model.step import Migration, TableWork

Sizes = dict[str, tuple[int, int]]
"""Table -> its bytes and InnoDB's number for it, which a rebuild changes."""

_READ = "Handler_read_"
_CHANGED = ("Handler_update", "Handler_delete")


@dataclass(frozen=True)
class Observed:
    """A step's migrations in their order, what the observer could not do, in words, and the seconds that it took."""

    migrations: tuple[Migration, ...] = ()
    faults: tuple[str, ...] = ()
    spent: float = 0.0


def read_record(lines: Iterable[str], step: str, service: str, databases: Mapping[str, str]) -> Observed:
    """What the lines of a step's file say. ``databases`` maps names on the server to the cloud's own names.

    A line that is cut off, as by a tool that was killed, is reported as a fault; the others count.
    """
    sizes: dict[str, Sizes] = {}
    migrations: list[Migration] = []
    faults: list[str] = []
    command, revisions, spent = "", 0, 0.0
    for line in lines:
        try:
            data = json.loads(line)
            kind = data["kind"]
            if kind == "call":
                command, revisions, sizes = data["command"], 0, {}
            elif kind == "fault":
                faults.append(data["text"])
            elif kind == "spent":
                spent += data["seconds"]
            elif kind == "sizes":
                sizes[data["database"]] = {name: (size[0], size[1]) for name, size in data["tables"].items()}
            elif kind == "span":
                name = databases.get(data["database"], data["database"])
                tables = _tables(data, sizes.setdefault(data["database"], {}))
                revisions += bool(data["revision"])
                if data["revision"] or tables:
                    label = data["label"] or f"{command}{', outside of revisions' if revisions else ''}"
                    migrations.append(_migration(data, step, service, name, label, tables))
        except (ValueError, KeyError, TypeError, IndexError) as fault:
            faults.append(f"a line of the record cannot be read: {type(fault).__name__}: {fault}")
    migrations.sort(key=lambda migration: migration.started)
    return Observed(tuple(migrations), tuple(dict.fromkeys(faults)), spent)


def _migration(
    data: Mapping[str, Any], step: str, service: str, database: str, label: str, tables: tuple[TableWork, ...]
) -> Migration:
    statements = data["statements"]
    counters = data["counters"]
    slowest = max(statements, key=lambda entry: float(entry[3]), default=("", 0, 0.0, 0.0, 0, 0.0))
    noting = sum(entry[4] for entry in statements if set(work_of(entry[0]).tables) & set(VERSION_TABLES))
    return Migration(
        step=step,
        service=service,
        database=database,
        revision=data["revision"],
        label=label,
        started=float(data["started"]),
        seconds=float(data["seconds"]),
        server_seconds=round(sum(float(entry[2]) for entry in statements), 6),
        finished=bool(data["ok"]),
        statements=sum(entry[1] for entry in statements),
        rows_read=sum(count for name, count in counters.items() if name.startswith(_READ)),
        rows_changed=max(0, sum(counters.get(name, 0) for name in _CHANGED) - noting)
        + sum(table.rows_written for table in tables),
        rows_locked=data["rows_locked"],
        tables=tables,
        slowest=" ".join(slowest[0].split()),
        slowest_seconds=float(slowest[3]),
        temporary_tables=counters.get("Created_tmp_disk_tables", 0),
    )


def _tables(data: Mapping[str, Any], sizes: Sizes) -> tuple[TableWork, ...]:
    """What was done to each table but the one with the version; ``sizes`` is brought up to date."""
    locked: dict[str, float] = {}
    written: dict[str, int] = {}
    defined: set[str] = set()
    copied: set[str] = set()
    for text, _, _, _, rows, held in data["statements"]:
        work = work_of(text)
        for table in work.tables:
            if table in VERSION_TABLES:
                continue
            locked[table] = locked.get(table, 0.0) + float(held)
            if work.kind == "definition":
                defined.add(table)
                copied |= {table} if rows else set()
        if work.tables and (work.kind == "definition" or text.lstrip()[:1].upper() in ("I", "R")):
            written[work.tables[0]] = written.get(work.tables[0], 0) + int(rows)
    before = dict(sizes)
    for table, size in data["tables"].items():
        if size is None:
            sizes.pop(table, None)
        else:
            sizes[table] = (size[0], size[1])
    return tuple(
        TableWork(
            table=table,
            locked=round(seconds, 6),
            defined=table in defined,
            rebuilt=table in copied or _renumbered(before.get(table), sizes.get(table)),
            rows_written=written.get(table, 0),
            bytes_before=before[table][0] if table in before else None,
            bytes_after=sizes[table][0] if table in sizes else None,
        )
        for table, seconds in sorted(locked.items())
    )


def _renumbered(before: tuple[int, int] | None, after: tuple[int, int] | None) -> bool:
    return before is not None and after is not None and before[1] != after[1]
