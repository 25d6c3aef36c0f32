"""Which customisation collides with which revision, said before anything runs.

Every revision's own changes come from the catalogue; a customisation is compared with them one after the other. The
rules are MySQL's: what its DDL refuses (1050, 1060, 1061, 1091, 1217, 1553, 1833) and what it does silently.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from osupgrade.model.finding import Cure, Fate, Finding, Severity
from osupgrade.model.release import NUMBERED
from osupgrade.schema.catalogue import Lineage, Revision, lineage, moves, refuses_not_utf8, rules
from osupgrade.schema.diff import Change, diff, made_for_a_key
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, ForeignKey, Index, Table, Trigger, View
from osupgrade.schema.verdicts import breaks, find_item

SOURCE = "prediction"


@dataclass(frozen=True)
class Prediction:
    """What will become of a customisation, at which revision, and why. ``revision`` is empty for what is kept."""

    change: Change
    fate: Fate
    words: str
    revision: str = ""
    release: str = ""


@dataclass(frozen=True)
class _Hit:
    fate: Fate
    words: str


def predict(changes: Iterable[Change], line: Lineage, start: str, release: str = "") -> tuple[Prediction, ...]:
    """What the way from revision ``start`` to a release's head (the last's without one) does to each customisation.

    Predictions are made one by one: that another customisation stops the upgrade earlier is not taken into account.
    """
    first = line.position(start) or 0
    last = line.position(line.head(release or line.last).name) or 0
    return tuple(_predict(change, line, line.revisions[first : last + 1]) for change in changes)


def first_stop(predictions: Sequence[Prediction], line: Lineage) -> Prediction | None:
    """The prediction at which the upgrade stops first; None when it comes through."""
    stops = [p for p in predictions if p.fate is Fate.IN_THE_WAY]
    return min(stops, key=lambda p: line.position(p.revision) or 0) if stops else None


def prediction_findings(service: str, predictions: Iterable[Prediction]) -> tuple[Finding, ...]:
    """A finding for each customisation that will not simply be kept."""
    found = []
    for prediction in predictions:
        if prediction.fate in (Fate.KEPT, Fate.UPSTREAM):
            continue
        stops = prediction.fate is Fate.IN_THE_WAY
        found.append(
            Finding(
                source=SOURCE,
                severity=Severity.ERROR if stops else Severity.WARNING,
                service=service,
                place=prediction.change.place,
                message=f"{prediction.change.object} {prediction.change.place} "
                f"{'collides with' if stops else f'is {prediction.fate.value} in'} {service} {prediction.revision} "
                f"({prediction.release}): {prediction.words}",
                consequence=f"{service} stops before {prediction.revision} is done" if stops else "",
                cure=Cure("take it out before the upgrade and put it back afterwards") if stops else None,
            )
        )
    return tuple(found)


def _predict(change: Change, line: Lineage, way: Sequence[Revision]) -> Prediction:
    for here, there in itertools.pairwise(way):
        if there.name in moves():
            continue
        last = line.version_table == NUMBERED and here.release != there.release == line.last
        if not_utf8(change) and refuses_not_utf8(line.service, change.table) and last:
            words = f"{line.last.capitalize()}'s {line.service} refuses to begin on a table that is not utf8"
            return Prediction(change, Fate.IN_THE_WAY, words, there.name, there.release)
        if change.kind in ("removed", "renamed") and (words := _needed(change, there)):
            return Prediction(change, Fate.IN_THE_WAY, words, there.name, there.release)
        if change.object == "table" and change.kind == "added" and "?" in there.uses.get(change.name, ()):
            words = "upstream needs a table of this name but does not create it, because one exists"
            return Prediction(change, Fate.CONFLICT, words, there.name, there.release)
        operations = _operations(line.service, line.variant, there.name)
        reader = change.after
        read = breaks(reader, operations) if isinstance(reader, View | Trigger) else ""
        # A trigger goes with its table, broken or not.
        goes = isinstance(reader, Trigger) and change.table not in way[-1].schema.names
        if read and read != change.table and not goes:
            words = f"it reads {read}, which upstream drops: it will no longer work"
            return Prediction(change, Fate.ALTERED, words, there.name, there.release)
        if hit := _sweep(change, there, line):
            return Prediction(change, hit.fate, hit.words, there.name, there.release)
        for operation in operations:
            if hit := _collision(change, operation, there.schema):
                return Prediction(change, hit.fate, hit.words, there.name, there.release)
    if change.kind == "removed" and find_item(way[-1].schema, change) is None:
        return Prediction(change, Fate.UPSTREAM, "upstream drops it too")
    return Prediction(change, Fate.KEPT, "no revision touches it")


def _needed(change: Change, there: Revision) -> str:
    """What a revision's own statements need of something that is not there; empty for nothing."""
    if change.object == "table":
        return f"it works on the table {change.name}, which is not there (1146)" if change.name in there.uses else ""
    names = there.uses.get(change.table, ())
    if change.object == "column":
        return f"it works on {change.place}, which is not there (1054, 1091)" if change.name in names else ""
    was = change.before.name if isinstance(change.before, Index | ForeignKey) else ""
    if was in rules().looked_for.get(change.table, ()):
        return ""
    return f"it drops {change.table}.{was}, which is not there (1091)" if f"-{was}" in names else ""


def not_utf8(change: Change) -> bool:
    """Whether the customisation is a table with another character set than utf8."""
    return change.object == "table" and isinstance(change.after, Table) and change.after.charset != "utf8"


@functools.cache
def _operations(service: str, variant: str, revision: str) -> tuple[Change, ...]:
    line = lineage(service, variant)
    place = line.position(revision) or 0
    return diff(line.revisions[place - 1].schema, line.revisions[place].schema)


def _collision(change: Change, operation: Change, there: Schema) -> _Hit | None:
    if change.object == "table":
        return _own_table(change, operation, there) if change.kind == "added" else _lost_table(change, operation)
    if operation.object == "table" and operation.kind == "removed" and operation.name == change.table:
        if change.kind == "removed":
            return _Hit(Fate.UPSTREAM, f"upstream drops the table {change.table}")
        return _Hit(Fate.LOST, f"upstream drops the table {change.table}")
    if (
        isinstance(change.after, ForeignKey)
        and change.kind != "removed"
        and (hit := _held(change.table, change.after, operation, there))
    ):
        return hit
    if operation.table != change.table:
        return None
    if isinstance(change.before, Index) and change.kind == "removed":
        return _key_without_index(change.before, operation, there)
    if change.object == "column":
        return _column(change, operation)
    return _index(change, operation, there) if change.object == "index" else None


def _sweep(change: Change, there: Revision, line: Lineage) -> _Hit | None:
    table = rules().swept.get(line.service, {}).get(there.name)
    item = change.after
    if table is None or item is None:
        return None
    if isinstance(item, Index) and change.table == table:
        return _Hit(Fate.LOST, f"upstream drops every index of {table}")
    keys = item.foreign_keys if isinstance(item, Table) else (item,) if isinstance(item, ForeignKey) else ()
    for key in keys:
        if change.table == table or (key.table == table and key.referred != ("id",)):
            return _Hit(Fate.IN_THE_WAY, f"upstream drops every index of {table}, and a foreign key needs one (1553)")
    return None


def _own_table(change: Change, operation: Change, there: Schema) -> _Hit | None:
    if operation.object == "table" and operation.kind == "added" and operation.name == change.name:
        return _Hit(Fate.IN_THE_WAY, f"upstream creates a table {change.name} of its own (1050)")
    if isinstance(change.after, Table):
        for key in change.after.foreign_keys:
            if hit := _held(change.name, key, operation, there):
                return hit
    return None


def _lost_table(change: Change, operation: Change) -> _Hit | None:
    if operation.object == "table" and operation.name == change.name:
        return _Hit(Fate.IN_THE_WAY, f"upstream drops the table {change.name}, which is not there (1051)")
    if operation.table == change.name:
        return _Hit(Fate.IN_THE_WAY, f"upstream changes the table {change.name}, which is not there (1146)")
    created = operation.after if operation.kind == "added" else None
    keys = created.foreign_keys if isinstance(created, Table) else (created,) if isinstance(created, ForeignKey) else ()
    if any(key.table == change.name for key in keys):
        return _Hit(Fate.IN_THE_WAY, f"upstream adds a foreign key onto {change.name}, which is not there (1215)")
    return None


def _held(table: str, key: ForeignKey, operation: Change, there: Schema) -> _Hit | None:
    """What a custom foreign key keeps upstream from doing."""
    if key.schema:
        return None
    if operation.object == "table" and operation.kind == "removed" and operation.name == key.table:
        return _Hit(Fate.IN_THE_WAY, f"upstream drops the table {key.table}, which a foreign key points to (1217)")
    for end, columns in ((key.table, key.referred), (table, key.columns)):
        if operation.table != end or operation.kind == "added":
            continue
        if isinstance(operation.before, Column) and operation.name in columns:
            if operation.kind == "removed" or _type_of(operation.before) != _type_of(operation.after):
                return _Hit(
                    Fate.IN_THE_WAY, f"upstream changes {operation.place}, which a foreign key uses (1833, 1829)"
                )
        elif isinstance(operation.before, Index) and operation.kind == "removed":
            after = there.table(end)
            left = after.indexes if after else ()
            if operation.before.columns[: len(columns)] == columns and not any(
                index.columns[: len(columns)] == columns for index in left
            ):
                return _Hit(
                    Fate.IN_THE_WAY, f"upstream drops the index {operation.place}, which a foreign key needs (1553)"
                )
    return None


def _column(change: Change, operation: Change) -> _Hit | None:
    same = operation.object == "column" and operation.name == change.name
    if change.kind == "added":
        if same and operation.kind == "added":
            return _Hit(Fate.IN_THE_WAY, f"upstream adds a column {change.place} of its own (1060)")
        return None
    if change.kind == "removed":
        if same or (isinstance(operation.after, Index) and change.name in operation.after.columns):
            return _Hit(Fate.IN_THE_WAY, f"upstream changes {change.place}, which is not there (1054, 1091)")
        if isinstance(operation.after, ForeignKey) and change.name in operation.after.columns:
            return _Hit(Fate.IN_THE_WAY, f"upstream adds a foreign key on {change.place}, which is not there (1072)")
        return None
    if same:
        return _Hit(Fate.LOST, f"upstream changes {change.place} to its own form")
    key = operation.after if operation.kind == "added" else None
    if isinstance(key, ForeignKey) and change.name in key.columns and _type_of(change.before) != _type_of(change.after):
        return _Hit(Fate.IN_THE_WAY, f"upstream adds a foreign key on {change.place}, whose type differs (1215)")
    return None


def _index(change: Change, operation: Change, there: Schema) -> _Hit | None:
    dropped = operation.name if operation.object == "column" and operation.kind == "removed" else ""
    if isinstance(change.after, Index) and change.kind in ("added", "renamed") and dropped in change.after.columns:
        fate = Fate.LOST if change.after.columns == (dropped,) else Fate.ALTERED
        return _Hit(fate, f"upstream drops {operation.place}, which the index holds")
    if isinstance(change.after, Index) and change.kind == "added":
        if operation.object == "index" and operation.kind == "added" and operation.name == change.name:
            made = there.table(change.table)
            if isinstance(operation.after, Index) and made and made_for_a_key(made, operation.after):
                return None
            ensured = change.name in rules().ensured.get(change.table, ())
            if ensured and _same_columns(change.after, operation.after):
                return _Hit(
                    Fate.UPSTREAM, f"upstream also needs the index {change.place}, and checks whether it exists"
                )
            return _Hit(Fate.IN_THE_WAY, f"upstream adds an index {change.place} of its own (1061)")
        return None
    if change.kind == "altered" and operation.object == "index" and operation.name == change.name:
        return _Hit(Fate.LOST, f"upstream replaces the index {change.place}")
    return None


def _key_without_index(index: Index, operation: Change, there: Schema) -> _Hit | None:
    """A foreign key whose index the operator dropped: the next time its table is rebuilt, the server refuses."""
    table = there.table(operation.table)
    if operation.object != "column" or table is None:
        return None
    for key in table.foreign_keys:
        held = [i for i in table.indexes if i.columns[: len(key.columns)] == key.columns]
        if index.columns[: len(key.columns)] == key.columns and held in ([], [index]):
            return _Hit(
                Fate.IN_THE_WAY, f"upstream rebuilds {table.name}, whose foreign key {key.name} has no index (1215)"
            )
    return None


def _same_columns(one: object, other: object) -> bool:
    return isinstance(one, Index) and isinstance(other, Index) and sorted(one.columns) == sorted(other.columns)


def _type_of(item: object) -> str:
    return item.type if isinstance(item, Column) else ""
