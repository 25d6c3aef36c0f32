"""Customisations as operators make them, drawn by hypothesis from what the catalogue knows of a clean Grizzly cloud."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import hypothesis
from hypothesis import strategies

from osupgrade.model.errors import LabFault
from osupgrade.model.quoting import quoted
from osupgrade.schema.catalogue import Lineage, lineage
from osupgrade.schema.diff import Change, described, diff
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Index, Table

WEIGHTS: Mapping[str, int] = {"keystone": 5, "glance": 3, "cinder": 5, "neutron": 5, "nova": 4}

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Case:
    """One customisation of one service, as the statement that makes it."""

    service: str
    kind: str
    statement: str

    @property
    def variant(self) -> str:
        """The plugin set of the catalogue."""
        return "openvswitch" if self.service == "neutron" else ""


class Dice:
    """Choices that hypothesis makes; a choice from nothing rejects the case."""

    def __init__(self, draw: strategies.DrawFn) -> None:
        self._draw = draw

    def choice(self, items: Sequence[Thing]) -> Thing:
        """One of some items."""
        if not items:
            hypothesis.reject()
        return self._draw(strategies.sampled_from(items))


Maker = Callable[[Dice, Lineage], str]


def _first(line: Lineage) -> Schema:
    return line.head(line.releases[0]).schema


@functools.cache
def _later(service: str, variant: str) -> tuple[Change, ...]:
    """Every change that a revision after Grizzly makes to something that Grizzly has."""
    line = lineage(service, variant)
    first, last = (line.position(line.head(release).name) or 0 for release in (line.releases[0], line.last))
    way = line.revisions[first : last + 1]
    known = _first(line).names
    changes = (change for here, there in itertools.pairwise(way) for change in diff(here.schema, there.schema))
    return tuple(change for change in changes if (change.table or change.name) in known)


def _tables(line: Lineage) -> list[Table]:
    return [table for table in _first(line).tables if table.name != line.version_table]


def _touched(dice: Dice, line: Lineage, kind: str, object_: str) -> Change:
    return dice.choice([c for c in _later(line.service, line.variant) if c.kind == kind and c.object == object_])


def _short(table: Table) -> list[str]:
    """The columns that an index takes whole."""
    return [c.name for c in table.columns if "text" not in c.type and "blob" not in c.type]


def _own_column(dice: Dice, line: Lineage) -> str:
    kind = dice.choice(("VARCHAR(64)", "INT NOT NULL DEFAULT 0", "TEXT"))
    return f"ALTER TABLE {quoted(dice.choice(_tables(line)).name)} ADD COLUMN own_note {kind}"


def _backport(dice: Dice, line: Lineage) -> str:
    change = _touched(dice, line, "added", "column")
    return f"ALTER TABLE {quoted(change.table)} ADD COLUMN {quoted(change.name)} {described(change.after)}"


def _own_table(dice: Dice, _line: Lineage) -> str:
    charset = dice.choice(("utf8", "utf8", "latin1"))
    return f"CREATE TABLE {dice.choice(NAMES)} (id INT PRIMARY KEY, word VARCHAR(20)) DEFAULT CHARSET={charset}"


def _taken_table(dice: Dice, line: Lineage) -> str:
    first, last = (line.position(line.head(release).name) or 0 for release in (line.releases[0], line.last))
    later = {name for revision in line.revisions[first : last + 1] for name in revision.schema.names}
    return f"CREATE TABLE {quoted(dice.choice(sorted(later - _first(line).names)))} (id INT PRIMARY KEY)"


def _key_onto(dice: Dice, line: Lineage) -> str:
    dropped = [t for t in _tables(line) if t.name not in line.head(line.last).schema.names and t.indexes]
    table = dice.choice(
        dice.choice([tables for tables in (dropped, [t for t in _tables(line) if t.indexes]) if tables])
    )
    first = dice.choice(table.indexes).columns[0]
    column = next(c for c in table.columns if c.name == first)
    return (
        f"CREATE TABLE {dice.choice(NAMES)} (id INT PRIMARY KEY, ref {column.type}, FOREIGN KEY (ref) "
        f"REFERENCES {quoted(table.name)} ({quoted(column.name)})) DEFAULT CHARSET=utf8"
    )


def _own_key(dice: Dice, line: Lineage) -> str:
    """A foreign key between two of upstream's tables that upstream does without."""
    onto = dice.choice([t for t in _tables(line) if t.indexes])
    first = dice.choice(onto.indexes).columns[0]
    referred = next(c for c in onto.columns if c.name == first)
    able = [(t, c) for t in _tables(line) for c in t.columns if c.type == referred.type and t.name != onto.name]
    table, column = dice.choice(able)
    return (
        f"ALTER TABLE {quoted(table.name)} ADD CONSTRAINT own_key FOREIGN KEY ({quoted(column.name)}) "
        f"REFERENCES {quoted(onto.name)} ({quoted(referred.name)})"
    )


def _own_index(dice: Dice, line: Lineage) -> str:
    table = dice.choice(_tables(line))
    columns = _short(table)
    chosen = dict.fromkeys([dice.choice(columns) for _ in range(dice.choice((1, 2)))])
    kind = dice.choice(("INDEX", "UNIQUE INDEX"))
    return f"ALTER TABLE {quoted(table.name)} ADD {kind} own_index ({', '.join(map(quoted, chosen))})"


def _taken_index(dice: Dice, line: Lineage) -> str:
    change = _touched(dice, line, "added", "index")
    table = _first(line).table(change.table)
    columns = _short(table) if table else []
    wanted = [c for c in change.after.columns if c in columns] if isinstance(change.after, Index) else []
    chosen = dice.choice((wanted, [dice.choice(columns)])) or [dice.choice(columns)]
    return f"ALTER TABLE {quoted(change.table)} ADD INDEX {quoted(change.name)} ({', '.join(map(quoted, chosen))})"


def _indexed(dice: Dice, line: Lineage) -> tuple[str, Index]:
    """An index of Grizzly's; every other time one that a later revision drops."""
    all_of_them = [(t.name, index) for t in _tables(line) for index in t.indexes if index.name != "PRIMARY"]
    later = {(c.table, c.name) for c in _later(line.service, line.variant) if c.object == "index"}
    dropped = [(table, index) for table, index in all_of_them if (table, index.name) in later]
    return dice.choice(dice.choice([some for some in (dropped, all_of_them) if some]))


def _no_index(dice: Dice, line: Lineage) -> str:
    table, index = _indexed(dice, line)
    return f"ALTER TABLE {quoted(table)} DROP INDEX {quoted(index.name)}"


def _renamed_index(dice: Dice, line: Lineage) -> str:
    table, index = _indexed(dice, line)
    parts = ", ".join(quoted(name) + (f"({length})" if length else "") for name, length in index.parts)
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    return f"ALTER TABLE {quoted(table)} DROP INDEX {quoted(index.name)}, ADD {kind} own_name ({parts})"


def _no_key(dice: Dice, line: Lineage) -> str:
    table = dice.choice([t for t in _tables(line) if t.foreign_keys])
    return f"ALTER TABLE {quoted(table.name)} DROP FOREIGN KEY {quoted(dice.choice(table.foreign_keys).name)}"


def _no_table(dice: Dice, line: Lineage) -> str:
    return f"DROP TABLE {quoted(dice.choice(_tables(line)).name)}"


def _no_column(dice: Dice, line: Lineage) -> str:
    table = dice.choice(_tables(line))
    return f"ALTER TABLE {quoted(table.name)} DROP COLUMN {quoted(dice.choice(table.columns).name)}"


def _wider(dice: Dice, line: Lineage) -> str:
    able = [(t.name, c) for t in _tables(line) for c in t.columns if c.type.startswith("varchar")]
    table, column = dice.choice(able)
    null = "NULL" if column.nullable else "NOT NULL"
    return f"ALTER TABLE {quoted(table)} MODIFY COLUMN {quoted(column.name)} VARCHAR({dice.choice(LENGTHS)}) {null}"


def _trigger(dice: Dice, line: Lineage) -> str:
    table = quoted(dice.choice(_tables(line)).name)
    when = (
        f"CREATE TRIGGER own_trigger {dice.choice(('BEFORE', 'AFTER'))} {dice.choice(('INSERT', 'UPDATE', 'DELETE'))}"
    )
    reads = f"(SELECT COUNT(*) FROM {quoted(dice.choice(_tables(line)).name)})"
    return f"{when} ON {table} FOR EACH ROW SET @own = {dice.choice(('1', reads))}"


def _view(dice: Dice, line: Lineage) -> str:
    table = dice.choice(_tables(line))
    return f"CREATE VIEW own_view AS SELECT {quoted(dice.choice(table.columns).name)} AS a FROM {quoted(table.name)}"


NAMES = ("own_bills", "own_notes", "own_racks")
LENGTHS = (16, 100, 250)
KINDS: Mapping[str, Maker] = {
    "own column": _own_column,
    "back-ported column": _backport,
    "own table": _own_table,
    "table of a later name": _taken_table,
    "own table with a key": _key_onto,
    "own key": _own_key,
    "own index": _own_index,
    "index of a later name": _taken_index,
    "index dropped": _no_index,
    "index renamed": _renamed_index,
    "key dropped": _no_key,
    "table dropped": _no_table,
    "column dropped": _no_column,
    "column altered": _wider,
    "trigger": _trigger,
    "view": _view,
}


@strategies.composite
def cases(draw: strategies.DrawFn) -> Case:
    """A single customisation of a clean Grizzly database of one service."""
    dice = Dice(draw)
    service = dice.choice([name for name, weight in WEIGHTS.items() for _ in range(weight)])
    kind = dice.choice(list(KINDS))
    case = Case(service, kind, "")
    return replace(case, statement=KINDS[kind](dice, lineage(service, case.variant)))


def gather(count: int, seed: int) -> list[Case]:
    """``count`` different cases; the same for the same seed and version of hypothesis."""
    found: dict[Case, None] = {}

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=4 * count,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate,),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(cases())
    def take(case: Case) -> None:
        found.setdefault(case)

    take()
    if len(found) < count:
        raise LabFault(f"only {len(found)} different customisations could be drawn, {count} were wanted")
    return list(found)[:count]
