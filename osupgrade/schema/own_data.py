"""The operator's data in custom columns and tables: counted and checksummed before and after an upgrade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from osupgrade.model.finding import Finding, Severity
from osupgrade.model.quoting import quoted
from osupgrade.model.text import counted
from osupgrade.schema.diff import Change
from osupgrade.schema.reading import Rows
from osupgrade.schema.snapshot import Schema

SOURCE = "customisations"


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

    One pass over each table concerned, by the server itself. Text counts as what it says, whatever its character set.
    """
    found: dict[str, OwnData | None] = {}
    for place in places:
        sql = (
            "SELECT COLUMN_NAME, DATA_TYPE, CHARACTER_SET_NAME FROM information_schema.COLUMNS "
            "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        )
        there = {
            str(name): _hex(str(name), str(kind), charset) for name, kind, charset in rows(sql, (database, place.table))
        }
        if not {*place.columns, *place.key} <= set(there):
            found[place.place] = None
            continue
        values = "CONCAT_WS(',', " + ", ".join(f"IFNULL({there[c]}, '-')" for c in place.columns) + ")"
        key = "CONCAT_WS(',', " + ", ".join(["''", *(there[c] for c in place.key)]) + ")"
        some = " OR ".join(f"{quoted(c)} IS NOT NULL" for c in place.columns)
        query = (
            f"SELECT COUNT(*), COALESCE(SUM(CRC32(CONCAT({key}, '=', {values}))), 0) "
            f"FROM {quoted(database)}.{quoted(place.table)} WHERE {some}"
        )
        ((count, checksum),) = rows(query, ())
        found[place.place] = OwnData(int(count), int(checksum))
    return found


def _hex(column: str, kind: str, charset: object) -> str:
    if charset:
        return f"HEX(CONVERT({quoted(column)} USING utf8mb4))"
    if kind.endswith(("blob", "binary")) or kind == "bit":
        return f"HEX({quoted(column)})"
    return f"HEX(CAST({quoted(column)} AS CHAR))"


def judge_own_data(
    service: str, before: Mapping[str, OwnData | None], after: Mapping[str, OwnData | None]
) -> tuple[Finding, ...]:
    """A finding for each place whose data is not the same after as before."""
    found = []
    for place, was in before.items():
        now = after.get(place)
        if was is None or was == now or not (was.values or (now and now.values)):
            continue
        severity = Severity.ERROR
        if now is None:
            text = "{n} row[s] of your data in {place} [is|are] gone: {place} no longer exists"
        elif now.values > was.values:
            text = "your data in {place} had {n} row[s] before and has {now} after: the upgrade added rows"
            severity = Severity.WARNING
        elif was.values != now.values:
            text = "your data in {place} had {n} row[s] before and has {now} after"
        else:
            text = "your data in {place} changed: {n} row[s] as before, but with a different checksum"
        severity = severity if was.values else Severity.WARNING
        what = counted(was.values, text, place=place, now=now.values if now else 0)
        found.append(Finding(SOURCE, severity, service, place, what, "only the copy from before the upgrade has it"))
    return tuple(found)
