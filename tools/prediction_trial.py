"""Holding predictions against real runs: ``make trial``, or ``python -m tools.prediction_trial --count 20 --seed 3``.

Single customisations are drawn by hypothesis from what the catalogue knows, put into a clean Grizzly database one by
one, and taken through the real tools of Havana and Icehouse.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import queue
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import hypothesis
import sqlalchemy
from hypothesis import strategies

from osupgrade.catalog.releases import load_paths, load_releases, usual_path
from osupgrade.catalog.site import Site
from osupgrade.cli import guarded
from osupgrade.cloud.laboratory import open_laboratory
from osupgrade.cloud.steps import run_hop
from osupgrade.lab.parallel import threads
from osupgrade.model.errors import LabFault
from osupgrade.model.finding import Fate
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.quoting import quoted
from osupgrade.model.step import Outcome
from osupgrade.schema.catalogue import Lineage, lineage
from osupgrade.schema.diff import Change, described, diff
from osupgrade.schema.identify import customisations
from osupgrade.schema.predict import first_stop, predict
from osupgrade.schema.reading import read_schema
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Index, Table
from osupgrade.schema.verdicts import verdicts
from tools.build_catalogue import SERVICES, VARIANTS, Bench

AIM = 0.95
"""The share of predictions that must be right."""
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


@dataclass(frozen=True)
class Result:
    """What came of a case as fate and revision, beside what was predicted of its changes."""

    case: Case
    changes: tuple[Change, ...]
    actual: tuple[str, str]
    said: str

    @property
    def predicted(self) -> tuple[str, str]:
        """The fate and the revision that the catalogue foretells."""
        line = lineage(self.case.service, self.case.variant)
        predictions = predict(self.changes, line, line.head(line.releases[0]).name)
        stop = first_stop(predictions, line)
        return (stop.fate.value, stop.revision) if stop else _fates([p.fate for p in predictions])

    @property
    def right(self) -> bool:
        """Whether fate and revision are those predicted."""
        return self.predicted == self.actual


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


def run_case(bench: Bench, case: Case, lane: str) -> Result | None:
    """Take one customised database through both hops; None when the server does not take the customisation.

    Such is a key onto a column of another type, which no operator can have either, or a column made as it was.
    """
    line = lineage(case.service, case.variant)
    database = lane
    bench.server.load(f"trial_{case.service}", {f"trial_{case.service}": database})
    try:
        bench.server.execute(database, case.statement)
    except sqlalchemy.exc.SQLAlchemyError as refused:
        print(f"not possible: {case.statement}: {str(refused).splitlines()[0]}")
        return None
    before = read_schema(bench.server, database)
    changes = customisations(before, line, line.head(line.releases[0]).name)
    if not changes:
        print(f"changes nothing: {case.statement}")
        return None
    cloud = bench.cloud(VARIANTS[case.variant] if case.variant else Site(), lane, case.service, database)
    for release in bench.plan.releases[1:]:
        step = run_hop(cloud, release, case.service, bench.logs / f"{lane}.log", bench.logs / lane)
        if step.outcome is not Outcome.PASSED:
            (stands,) = step.versions_after[case.service]
            end = line.position(line.head(release.name).name) or 0
            # A tool that fails after its last revision is said to have failed in it.
            stopped = line.revisions[min((line.position(stands) or 0) + 1, end)].name
            said = step.diagnosis.error if step.diagnosis else "; ".join(step.problems)
            return Result(case, changes, (Fate.IN_THE_WAY.value, stopped), said)
    after = read_schema(bench.server, database)
    found = verdicts(changes, line.head(line.last).schema, after, before=before)
    said = "; ".join(verdict.words for verdict in found)
    return Result(case, changes, _fates([verdict.fate for verdict in found]), said)


def _fates(fates: Sequence[Fate]) -> tuple[str, str]:
    return "+".join(sorted({fate.value for fate in fates})), ""


def prepare(bench: Bench, services: Sequence[str] = SERVICES) -> None:
    """Put a clean Grizzly database of each service on the server's shelf, made by its own tool."""
    for service in services:
        cloud = bench.cloud(Site(), "trial", service, f"trial_{service}")
        bench.server.create(f"trial_{service}")
        first = bench.plan.first
        made = run_hop(cloud, first, service, bench.logs / f"{first.name}.log", bench.logs / "trial", create=True)
        if made.problems:
            raise LabFault(f"{first.name}'s {service} cannot make its own schema: {'; '.join(made.problems)}")
        bench.server.save([f"trial_{service}"], f"trial_{service}")


def run_all(bench: Bench, cases: Iterable[Case], jobs: int = 2) -> list[Result]:
    """Run cases side by side, each in a database and a lane of its own."""
    lanes: queue.SimpleQueue[str] = queue.SimpleQueue()
    for number in range(jobs):
        lanes.put(f"trial{number}")

    def one(case: Case) -> Result | None:
        lane = lanes.get()
        try:
            result = run_case(bench, case, lane)
            if result:
                print(
                    json.dumps([case.service, case.kind, case.statement, result.predicted, result.actual]), flush=True
                )
            return result
        finally:
            lanes.put(lane)

    with threads(jobs) as pool:
        return [result for result in pool.map(one, cases) if result]


def summary(results: Sequence[Result]) -> str:
    """The share predicted right, every miss and every false alarm."""
    right = sum(result.right for result in results)
    stops = Fate.IN_THE_WAY.value
    missed = [r for r in results if not r.right and r.actual[0] == stops and r.predicted[0] != stops]
    false = [r for r in results if not r.right and r.predicted[0] == stops and r.actual[0] != stops]
    other = [r for r in results if not r.right and r not in missed and r not in false]
    lines = [f"{right} of {len(results)} predicted right ({100 * right / max(1, len(results)):.1f} %)"]
    for name, chosen in (("missed", missed), ("false alarm", false), ("otherwise wrong", other)):
        lines.append(f"{name}: {len(chosen)}")
        lines += [
            f"  {r.case.service} {r.case.kind}: {r.case.statement}\n    predicted {' '.join(r.predicted)}; "
            f"was {' '.join(r.actual)}: {r.said[:200]}"
            for r in chosen
        ]
    return "\n".join(lines)


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


def main() -> int:
    """Draw, run, and say how good the predictions are; exit 1 below :data:`AIM`."""
    parser = argparse.ArgumentParser(prog="python -m tools.prediction_trial", description=__doc__)
    parser.add_argument("--count", type=int, default=220, help="how many customisations (some are not possible)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    drawn = gather(options.count, options.seed)
    releases = load_releases()
    plan = make_plan(find_path(load_paths(), releases, usual_path()), releases)
    with tempfile.TemporaryDirectory() as logs, open_laboratory(plan, print, database="mysql56") as laboratory:
        bench = Bench(laboratory.server, laboratory.workshop, plan, Path(logs))
        prepare(bench)
        results = run_all(bench, drawn, options.jobs)
    print(summary(results))
    return 0 if results and sum(result.right for result in results) >= AIM * len(results) else 1


if __name__ == "__main__":
    sys.exit(guarded(main))
