"""Holding predictions against real runs: ``python -m osupgrade.schema.trial [COUNT] [SEED]``.

Single customisations are drawn from what the catalogue knows, put into a clean Grizzly database one by one, and taken
through the real tools of Havana and Icehouse.
"""

from __future__ import annotations

import itertools
import json
import queue
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy

from osupgrade.engine.hops import run_hop
from osupgrade.errors import LabFault
from osupgrade.laboratory import open_laboratory
from osupgrade.model import Outcome, StepResult
from osupgrade.plan import find_path, make_plan
from osupgrade.releases import load_paths, load_releases
from osupgrade.schema.build_catalogue import SERVICES, VARIANTS, Bench
from osupgrade.schema.catalogue import Lineage, lineage
from osupgrade.schema.diff import Change, described, diff
from osupgrade.schema.identify import customisations
from osupgrade.schema.predict import first_stop, predict
from osupgrade.schema.snapshot import Index, Schema, Table, quoted, read_schema
from osupgrade.schema.verdicts import Fate, verdicts
from osupgrade.site import Site

HOPS = ("havana", "icehouse")
WEIGHTS: Mapping[str, int] = {"keystone": 5, "glance": 3, "cinder": 5, "neutron": 5, "nova": 4}


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
    """What was predicted for a case and what came of it, each as fate and revision."""

    case: Case
    predicted: tuple[str, str]
    actual: tuple[str, str]
    said: str

    @property
    def right(self) -> bool:
        """Whether fate and revision are those predicted."""
        return self.predicted == self.actual


Maker = Callable[[random.Random, Lineage], str]


def draw(count: int, seed: int) -> Iterator[Case]:
    """``count`` different cases; the same for the same seed."""
    dice = random.Random(seed)
    seen: set[str] = set()
    while len(seen) < count:
        service = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        kind = dice.choice(list(KINDS))
        line = lineage(service, "openvswitch" if service == "neutron" else "")
        try:
            statement = KINDS[kind](dice, line)
        except IndexError:  # this service has nothing of that kind
            continue
        if f"{service} {statement}" not in seen:
            seen.add(f"{service} {statement}")
            yield Case(service, kind, statement)


def run_case(bench: Bench, case: Case, lane: str) -> Result | None:
    """Take one customised database through both hops; None when the server does not take the customisation."""
    line = lineage(case.service, case.variant)
    database = lane
    bench.server.load(f"trial_{case.service}", {f"trial_{case.service}": database})
    try:
        bench.server.execute(database, case.statement)
    except (
        sqlalchemy.exc.SQLAlchemyError
    ) as refused:  # such as a key onto a column of another type: no operator could have it either
        print(f"not possible: {case.statement}: {str(refused).splitlines()[0]}")
        return None
    changes = customisations(read_schema(bench.server, database), line, line.head("grizzly").name)
    predictions = predict(changes, line, line.head("grizzly").name)
    stop = first_stop(predictions, line)
    cloud = bench.cloud(VARIANTS[case.variant] if case.variant else Site(), lane, case.service, database)
    last: StepResult | None = None
    for hop in HOPS:
        log = bench.logs / f"{lane}-{hop}.log"
        last = run_hop(cloud, bench.releases[hop], case.service, log, bench.logs / lane)
        if last.outcome is not Outcome.PASSED:
            break
    assert last is not None
    if last.outcome is not Outcome.PASSED:
        (stands,) = last.versions_after[case.service]
        end = line.position(line.head(hop).name) or 0
        # A tool that fails after its last revision is said to have failed in it.
        stopped = line.revisions[min((line.position(stands) or 0) + 1, end)].name
        expected = (stop.fate.value, stop.revision) if stop else _fates([p.fate for p in predictions])
        return Result(case, expected, (Fate.IN_THE_WAY.value, stopped), last.diagnosis.error if last.diagnosis else "")
    if stop:
        return Result(case, (stop.fate.value, stop.revision), ("came through", ""), stop.words)
    found = verdicts(changes, line.head("icehouse").schema, read_schema(bench.server, database))
    said = "; ".join(verdict.words for verdict in found)
    return Result(case, _fates([p.fate for p in predictions]), _fates([v.fate for v in found]), said)


def _fates(fates: Sequence[Fate]) -> tuple[str, str]:
    return "+".join(sorted({fate.value for fate in fates})), ""


def prepare(bench: Bench, services: Sequence[str] = SERVICES) -> None:
    """Put a clean Grizzly database of each service on the server's shelf, made by its own tool."""
    for service in services:
        cloud = bench.cloud(Site(), "trial", service, f"trial_{service}")
        bench.server.create(f"trial_{service}")
        made = run_hop(
            cloud, bench.releases["grizzly"], service, bench.logs / "grizzly.log", bench.logs / "trial", create=True
        )
        if made.problems:
            raise LabFault(f"Grizzly's {service} cannot make its own schema: {'; '.join(made.problems)}")
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

    with ThreadPoolExecutor(jobs) as pool:
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


def _grizzly(line: Lineage) -> Schema:
    return line.head("grizzly").schema


def _later(line: Lineage) -> list[Change]:
    """Every change that a revision after Grizzly makes."""
    first, last = (line.position(line.head(release).name) or 0 for release in ("grizzly", "icehouse"))
    way = line.revisions[first : last + 1]
    return [change for here, there in itertools.pairwise(way) for change in diff(here.schema, there.schema)]


def _table(dice: random.Random, line: Lineage) -> Table:
    return dice.choice([t for t in _grizzly(line).tables if t.name != line.version_table])


def _touched(dice: random.Random, line: Lineage, kind: str, object_: str) -> Change:
    """A later change to something that Grizzly has."""
    known = _grizzly(line).names
    place = [c for c in _later(line) if c.kind == kind and c.object == object_ and (c.table or c.name) in known]
    return dice.choice(place)


def _own_column(dice: random.Random, line: Lineage) -> str:
    kind = dice.choice(("VARCHAR(64)", "INT NOT NULL DEFAULT 0", "TEXT"))
    return f"ALTER TABLE {quoted(_table(dice, line).name)} ADD COLUMN own_note {kind}"


def _backport(dice: random.Random, line: Lineage) -> str:
    change = _touched(dice, line, "added", "column")
    return f"ALTER TABLE {quoted(change.table)} ADD COLUMN {quoted(change.name)} {described(change.after)}"


def _own_table(dice: random.Random, _line: Lineage) -> str:
    charset = dice.choice(("utf8", "utf8", "latin1"))
    return f"CREATE TABLE own_{dice.randrange(99)} (id INT PRIMARY KEY, word VARCHAR(20)) DEFAULT CHARSET={charset}"


def _taken_table(dice: random.Random, line: Lineage) -> str:
    added = [
        c for c in _later(line) if c.kind == "added" and c.object == "table" and c.name not in _grizzly(line).names
    ]
    return f"CREATE TABLE {quoted(dice.choice(added).name)} (id INT PRIMARY KEY)"


def _key_onto(dice: random.Random, line: Lineage) -> str:
    dropped = [t for t in _grizzly(line).tables if t.name not in line.head("icehouse").schema.names]
    tables = dropped if dropped and dice.random() < 0.5 else _grizzly(line).tables
    able = [t for t in tables if t.indexes and t.name != line.version_table]
    table = dice.choice(able)
    first = dice.choice(table.indexes).columns[0]
    column = next(c for c in table.columns if c.name == first)
    return (
        f"CREATE TABLE own_{dice.randrange(99)} (id INT PRIMARY KEY, ref {column.type}, FOREIGN KEY (ref) "
        f"REFERENCES {quoted(table.name)} ({quoted(column.name)})) DEFAULT CHARSET=utf8"
    )


def _own_index(dice: random.Random, line: Lineage) -> str:
    table = _table(dice, line)
    column = dice.choice([c for c in table.columns if "text" not in c.type and "blob" not in c.type])
    return f"ALTER TABLE {quoted(table.name)} ADD INDEX own_index ({quoted(column.name)})"


def _taken_index(dice: random.Random, line: Lineage) -> str:
    change = _touched(dice, line, "added", "index")
    table = _grizzly(line).table(change.table)
    columns = [c.name for c in table.columns if "text" not in c.type] if table else []
    wanted = [c for c in change.after.columns if c in columns] if isinstance(change.after, Index) else []
    chosen = dice.choice((wanted, [dice.choice(columns)])) or [dice.choice(columns)]
    parts = ", ".join(quoted(name) for name in chosen)
    return f"ALTER TABLE {quoted(change.table)} ADD INDEX {quoted(change.name)} ({parts})"


def _no_index(dice: random.Random, line: Lineage) -> str:
    if dice.random() < 0.5:
        change = _touched(dice, line, "removed", "index")
        return f"ALTER TABLE {quoted(change.table)} DROP INDEX {quoted(change.name)}"
    table = dice.choice([t for t in _grizzly(line).tables if any(i.name != "PRIMARY" for i in t.indexes)])
    index = dice.choice([i for i in table.indexes if i.name != "PRIMARY"])
    return f"ALTER TABLE {quoted(table.name)} DROP INDEX {quoted(index.name)}"


def _no_key(dice: random.Random, line: Lineage) -> str:
    table = dice.choice([t for t in _grizzly(line).tables if t.foreign_keys])
    return f"ALTER TABLE {quoted(table.name)} DROP FOREIGN KEY {quoted(dice.choice(table.foreign_keys).name)}"


def _no_table(dice: random.Random, line: Lineage) -> str:
    return f"DROP TABLE {quoted(_table(dice, line).name)}"


def _no_column(dice: random.Random, line: Lineage) -> str:
    table = _table(dice, line)
    return f"ALTER TABLE {quoted(table.name)} DROP COLUMN {quoted(dice.choice(table.columns).name)}"


def _wider(dice: random.Random, line: Lineage) -> str:
    able = [
        (t.name, c)
        for t in _grizzly(line).tables
        for c in t.columns
        if c.type.startswith("varchar") and t.name != line.version_table
    ]
    table, column = dice.choice(able)
    length = dice.choice((16, 100, 250))
    null = "NULL" if column.nullable else "NOT NULL"
    return f"ALTER TABLE {quoted(table)} MODIFY COLUMN {quoted(column.name)} VARCHAR({length}) {null}"


def _trigger(dice: random.Random, line: Lineage) -> str:
    table = _table(dice, line)
    return f"CREATE TRIGGER own_trigger BEFORE INSERT ON {quoted(table.name)} FOR EACH ROW SET @own = 1"


def _view(dice: random.Random, line: Lineage) -> str:
    table = _table(dice, line)
    return f"CREATE VIEW own_view AS SELECT {quoted(dice.choice(table.columns).name)} AS a FROM {quoted(table.name)}"


KINDS: Mapping[str, Maker] = {
    "own column": _own_column,
    "back-ported column": _backport,
    "own table": _own_table,
    "table of a later name": _taken_table,
    "own table with a key": _key_onto,
    "own index": _own_index,
    "index of a later name": _taken_index,
    "index dropped": _no_index,
    "key dropped": _no_key,
    "table dropped": _no_table,
    "column dropped": _no_column,
    "column altered": _wider,
    "trigger": _trigger,
    "view": _view,
}


def main(arguments: Sequence[str]) -> None:
    """Draw, run, and say how good the predictions are."""
    count, seed = (int(text) for text in (*arguments, *("24", "1")[len(arguments) :]))
    releases = load_releases()
    plan = make_plan(find_path(load_paths(), releases, "grizzly-icehouse"), releases)
    with tempfile.TemporaryDirectory() as logs, open_laboratory(plan, print, database="mysql56") as laboratory:
        bench = Bench(laboratory.server, laboratory.workshop, releases, Path(logs))
        prepare(bench)
        print(summary(run_all(bench, draw(count, seed))))


if __name__ == "__main__":
    main(sys.argv[1:])
