"""What became of each customisation: three schemas against each other, before, upstream's, and after.

Own data in own columns and tables is judged too, by count and checksum.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from osupgrade.model import Cure, Diagnosis, Finding, Severity, Sql
from osupgrade.schema.catalogue import Lineage
from osupgrade.schema.diff import Change, Item, diff, purpose
from osupgrade.schema.identify import customisations
from osupgrade.schema.snapshot import Column, ForeignKey, Index, Routine, Rows, Schema, Table, Trigger, View, quoted

SOURCE = "customisations"


class Fate(enum.StrEnum):
    """What an upgrade did to a customisation."""

    KEPT = "kept"
    LOST = "lost"
    ALTERED = "altered"
    IN_THE_WAY = "in the way"
    UPSTREAM = "now part of upstream"
    CONFLICT = "conflicts with upstream"


@dataclass(frozen=True)
class Verdict:
    """One customisation's fate in words. ``revision`` and ``error`` tell where it was in the way."""

    change: Change
    fate: Fate
    words: str
    revision: str = ""
    error: str = ""


@dataclass(frozen=True)
class OwnData:
    """Own data at one moment: how many values that are not NULL, and a checksum over them and their rows' keys."""

    values: int
    checksum: int


@dataclass(frozen=True)
class OwnPlace:
    """Where own data lies: some columns of a table, and the key that names its rows."""

    place: str
    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


def verdicts(
    changes: Iterable[Change], upstream: Schema, after: Schema, stopped: Diagnosis | None = None
) -> tuple[Verdict, ...]:
    """The fate of each customisation.

    ``upstream`` is the reference at the revision that was reached, ``after`` the database itself, ``stopped`` what the
    tool said if it did not come through. Only a customisation that the error names is blamed for it.
    """
    return tuple(_verdict(change, upstream, after, stopped) for change in changes)


def judge_result(
    service: str, line: Lineage, revision: str, after: Schema, changes: Sequence[Change]
) -> tuple[Finding, ...]:
    """What the result has otherwise than exactly upstream at ``revision`` plus the ``changes`` made before.

    Each finding has the difference in words and, where it is simple, the statement that mends it.
    """
    kept = {(c.object, c.table, c.name, _plain(c.after)) for c in changes}
    found = []
    for change in customisations(after, line, revision):
        if (change.object, change.table, change.name, _plain(change.after)) in kept:
            continue
        mend = Cure("make it as upstream has it", (Sql(service, change.sql),)) if change.sql else None
        found.append(
            Finding(
                source=SOURCE,
                severity=Severity.WARNING if change.kind in ("added", "renamed") else Severity.ERROR,
                service=service,
                place=change.place,
                message=change.against(f"upstream at {revision}"),
                consequence="the result is neither upstream's schema nor a customisation from before the upgrade",
                cure=mend,
            )
        )
    return tuple(found)


def own_places(changes: Iterable[Change], schema: Schema) -> tuple[OwnPlace, ...]:
    """Where a database has data of its own: added tables and added columns."""
    places = []
    for change in changes:
        table = schema.table(change.name if change.object == "table" else change.table)
        if change.kind != "added" or table is None or change.object not in ("table", "column"):
            continue
        primary = next((index.columns for index in table.indexes if index.name == "PRIMARY"), ())
        columns = tuple(c.name for c in table.columns) if change.object == "table" else (change.name,)
        places.append(OwnPlace(change.place, table.name, columns, primary))
    return tuple(places)


def read_own_data(rows: Rows, database: str, places: Iterable[OwnPlace]) -> dict[str, OwnData | None]:
    """Count and checksum of each place's data; None where table or column is gone.

    One pass over each table concerned, by the server itself.
    """
    found: dict[str, OwnData | None] = {}
    for place in places:
        wanted = {*place.columns, *place.key}
        sql = "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        there = {row[0] for row in rows(sql, (database, place.table))}
        if not wanted <= there:
            found[place.place] = None
            continue
        values = "CONCAT_WS(',', " + ", ".join(f"IFNULL(HEX({quoted(c)}), '-')" for c in place.columns) + ")"
        key = "CONCAT_WS(',', " + ", ".join(["''", *(f"HEX({quoted(c)})" for c in place.key)]) + ")"
        some = " OR ".join(f"{quoted(c)} IS NOT NULL" for c in place.columns)
        query = (
            f"SELECT COUNT(*), COALESCE(SUM(CRC32(CONCAT({key}, '=', {values}))), 0) "
            f"FROM {quoted(database)}.{quoted(place.table)} WHERE {some}"
        )
        ((count, checksum),) = rows(query, ())
        found[place.place] = OwnData(int(count), int(checksum))
    return found


def judge_own_data(
    service: str, before: Mapping[str, OwnData | None], after: Mapping[str, OwnData | None]
) -> tuple[Finding, ...]:
    """A finding for each place whose data is not the same after as before."""
    found = []
    for place, was in before.items():
        now = after.get(place)
        if was is None or was == now:
            continue
        if now is None:
            what = f"the {was.values} rows with own data in {place} are gone: it is no longer there"
        elif was.values != now.values:
            what = f"own data in {place}: {was.values} rows before, {now.values} after"
        else:
            what = f"own data in {place} is not the same: {was.values} rows with another checksum"
        severity = Severity.ERROR if was.values else Severity.WARNING
        found.append(Finding(SOURCE, severity, service, place, what, "only the copy from before the upgrade has it"))
    return tuple(found)


def blamed(change: Change, stopped: Diagnosis) -> bool:
    """Whether a tool's error names this customisation, or the table that its foreign keys hold on to."""
    text = f"{stopped.error} {stopped.statement or ''}".lower()
    item = change.after or change.before
    names = {change.name}
    if isinstance(item, Table):
        names |= {key.table for key in item.foreign_keys}
    elif isinstance(item, ForeignKey):
        names |= {item.table, *item.columns}
    elif isinstance(item, Index):
        names = {item.name} if item.name != "PRIMARY" else {change.table}
    elif change.object == "trigger":
        names |= {change.table}
    if isinstance(item, Column | Index) and change.table and not _named(change.table, text):
        # MySQL names the column alone, the statement its table.
        return bool(names) and all(_named(name, text) for name in names) and "1060" in text
    return any(_named(name, text) for name in names)


def made_for_a_key(table: str, index: Index, upstream: Schema) -> bool:
    """Whether the server made upstream's index by itself, for a foreign key: it looks for a name that is free."""
    found = upstream.table(table)
    if found is None or index.unique:
        return False
    return any(key.columns == index.columns and index.name in (key.columns[0], key.name) for key in found.foreign_keys)


def _verdict(change: Change, upstream: Schema, after: Schema, stopped: Diagnosis | None) -> Verdict:
    if stopped is not None and blamed(change, stopped):
        where = f" in revision {stopped.revision}" if stopped.revision else ""
        return Verdict(
            change,
            Fate.IN_THE_WAY,
            f"{change.place} stops the upgrade{where}: {stopped.error}",
            stopped.revision or "",
            stopped.error,
        )
    own, wanted, now = change.after, find_item(upstream, change), find_item(after, change)
    if change.kind == "removed":
        return _missing(change, wanted, now)
    if wanted is not None and _plain(wanted) == _plain(own):
        return Verdict(change, Fate.UPSTREAM, f"{change.place} is part of upstream now, defined the same")
    if isinstance(wanted, Index) and made_for_a_key(change.table, wanted, upstream) and _plain(now) == _plain(own):
        return Verdict(change, Fate.KEPT, f"index {change.place} is as before; the server's own took another name")
    if wanted is not None and change.kind == "added":
        return Verdict(
            change, Fate.CONFLICT, f"upstream now has its own {change.object} {change.place}, defined otherwise"
        )
    if now is None:
        table = change.table and upstream.table(change.table) is None
        why = f": upstream drops the table {change.table}" if table else ""
        return Verdict(change, Fate.LOST, f"{change.object} {change.place} is gone{why}")
    if _plain(now) == _plain(own):
        return Verdict(change, Fate.KEPT, f"{change.object} {change.place} is as before")
    if wanted is not None and _plain(now) == _plain(wanted):
        return Verdict(change, Fate.LOST, f"{change.object} {change.place} has upstream's form now")
    return Verdict(change, Fate.ALTERED, _altered(change, now))


def _missing(change: Change, wanted: Item | None, now: Item | None) -> Verdict:
    if wanted is None and now is None:
        return Verdict(change, Fate.UPSTREAM, f"upstream has no {change.object} {change.place} any more either")
    if now is None:
        return Verdict(change, Fate.KEPT, f"{change.object} {change.place} is still missing")
    return Verdict(change, Fate.LOST, f"{change.object} {change.place} is there now")


def _altered(change: Change, now: Item) -> str:
    if isinstance(now, Table) and isinstance(change.after, Table):
        parts = diff(Schema(tables=(change.after,)), Schema(tables=(now,)))
        return f"table {change.place} changed: {'; '.join(part.sentence for part in parts)}"
    return replace(change, kind="altered", before=change.after, after=now).sentence


def find_item(schema: Schema, change: Change) -> Item | None:
    """What stands at a change's place in another schema; a renamed key or index is found by what it does."""
    if change.object == "table":
        return schema.table(change.name)
    if change.object in ("view", "trigger", "routine"):
        loose: tuple[View | Trigger | Routine, ...] = (*schema.views, *schema.triggers, *schema.routines)
        return next((item for item in loose if item.name == change.name), None)
    table = schema.table(change.table)
    if table is None:
        return None
    parts: Mapping[str, Sequence[Item]] = {
        "column": table.columns,
        "index": table.indexes,
        "foreign key": table.foreign_keys,
        "check": table.checks,
    }
    found = parts.get(change.object, ())
    named = next((item for item in found if getattr(item, "name", "") == change.name), None)
    if named is None and isinstance(change.after, ForeignKey):
        return next((k for k in table.foreign_keys if purpose(k) == purpose(change.after)), None)
    return named


def _plain(item: Item | None) -> Item | None:
    """An item without what servers and moves change by themselves: character sets, and the names of foreign keys."""
    if isinstance(item, Column):
        return replace(item, collation="")
    if isinstance(item, ForeignKey):
        return purpose(item)
    if isinstance(item, Table):
        return replace(
            item,
            columns=tuple(replace(c, collation="") for c in item.columns),
            foreign_keys=tuple(sorted((replace(k, name="") for k in item.foreign_keys), key=repr)),
            collation="",
            engine="",
            row_format="",
        )
    return item


def _named(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(name.lower())}(?![\w])", text) is not None
