"""Hunting for traps: ``make hunt``, or ``python -m tools.hunt [SERVICE...] [--path PATH]``.

For each condition that the catalogue derives (osupgrade/schema/conditions.py), rows that violate it are planted in a
copy of the seeded cloud, and the real tools are run over them. What came is written to
``osupgrade/schema/outcomes.json``.
"""

from __future__ import annotations

import argparse
import collections
import functools
import itertools
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy

from osupgrade.catalog.releases import load_paths, load_releases, usual_path
from osupgrade.catalog.site import Site
from osupgrade.cli import guarded
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Laboratory, open_laboratory, prepare_seeded, restore_lane, with_arrivals
from osupgrade.cloud.steps import relocate, run_hop
from osupgrade.model.errors import LabFault
from osupgrade.model.plan import Plan, find_path, make_plan
from osupgrade.model.quoting import literal, quoted
from osupgrade.model.release import Release
from osupgrade.model.step import Outcome, StepResult
from osupgrade.schema import outcomes
from osupgrade.schema.catalogue import line_of
from osupgrade.schema.conditions import Condition, Kind, conditions
from osupgrade.schema.outcomes import Came, Result
from osupgrade.schema.reading import read_schema
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, Table
from osupgrade.seed.description import load_description

PLANTED = 2
"""Rows that violate a condition of one row each; a unique key is violated by one copy of one row."""
PAGE = Path(__file__).parents[1] / "docs" / "foresight.md"
MARK = "<!-- outcomes -->"
_NOWHERE_TEXT = "00000000-dead-0000-0000-000000000000"
_NOWHERE_NUMBER = 987654


@dataclass(frozen=True)
class Trial:
    """One condition with what came of it; ``why`` says why nothing could be planted."""

    condition: Condition
    result: Result | None
    why: str = ""


def planting(condition: Condition, schema: Schema, found: Sequence[str]) -> str:
    """The statement that makes rows which violate a condition; empty where none of this kind can be made.

    ``found`` are columns of the table's primary key that the server counts up itself.
    """
    table = schema.table(condition.table)
    if table is None:
        return ""
    name = quoted(table.name)
    if condition.kind is Kind.UNIQUE:
        return _copy(table, condition, found)
    if not condition.columns:
        return ""
    column = next(c for c in table.columns if c.name == condition.columns[0])
    if condition.kind is Kind.NOT_NULL:
        value = "NULL"
    elif condition.kind is Kind.PARENT:
        value = str(_NOWHERE_NUMBER) if "int" in column.type else literal(_NOWHERE_TEXT)
    elif condition.kind is Kind.FITS and ("char" in column.type or "text" in column.type):
        value = "REPEAT('x', 254)"
    else:
        return ""
    return f"UPDATE {name} SET {quoted(column.name)} = {value} LIMIT {PLANTED}"


def _copy(table: Table, condition: Condition, counted: Sequence[str]) -> str:
    """A copy of one row: equal under the key that comes, different by every unique key that is there."""
    primary = next((index.columns for index in table.indexes if index.name == "PRIMARY"), ())
    if set(primary) <= set(condition.columns) and primary:
        return ""
    taken = [c for c in table.columns if c.name not in counted]
    unique = {name for index in table.indexes if index.unique for name in index.columns}
    other = [c.name for c in taken if c.name in unique - set(condition.columns)]
    values = [_another(c) if c.name in other else quoted(c.name) for c in taken]
    if not other and not counted:
        return ""
    there = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in condition.columns)
    columns = ", ".join(quoted(c.name) for c in taken)
    name = quoted(table.name)
    return f"INSERT INTO {name} ({columns}) SELECT {', '.join(values)} FROM {name} WHERE {there} LIMIT 1"


def _another(column: Column) -> str:
    """A value that no row of the seeded cloud has in a column."""
    return str(_NOWHERE_NUMBER) if "int" in column.type else literal(_NOWHERE_TEXT[: _length(column.type)])


def filling(table: Table, condition: Condition, counted: Sequence[str]) -> str:
    """The statement that gives an empty table one row, with a value in each column that needs or is given one."""
    asked = [
        c
        for c in table.columns
        if c.name not in counted and (c.name in condition.columns or (not c.nullable and c.default is None))
    ]
    columns = ", ".join(quoted(c.name) for c in asked)
    return f"INSERT INTO {quoted(table.name)} ({columns}) VALUES ({', '.join(_value(c.type) for c in asked)})"


def _value(kind: str) -> str:
    """Any value of a type."""
    if "int" in kind or kind.startswith(("float", "double", "decimal", "bool")):
        return "0"
    if kind.startswith("date"):
        return "'2013-04-04 00:00:00'"
    if kind.startswith("enum"):
        return kind[len("enum(") : -1].split(",")[0]
    return literal("hunted"[: _length(kind)])


def _length(kind: str) -> int:
    digits = "".join(itertools.takewhile(str.isdigit, kind.partition("(")[2]))
    return int(digits) if digits else 36


def run_trial(cloud: Cloud, condition: Condition, hop: Callable[[Cloud], StepResult]) -> Trial:
    """Plant in a fresh cloud, run the ``hop`` that the condition is of, and say what came."""
    database = condition.service
    schema = read_schema(cloud.server, cloud.databases[database])
    table = schema.table(condition.table)
    assert table is not None
    counted = [c.name for c in table.columns if "auto_increment" in c.extra]
    statement = planting(condition, schema, counted)
    if not statement:
        return Trial(condition, None, "no statement of this kind can be generated")
    try:
        with cloud.server.session(cloud.databases[database]) as session:
            session.exec_driver_sql("SET foreign_key_checks = 0")
            session = session.execution_options(no_parameters=True)
            if not cloud.value(database, f"SELECT COUNT(*) FROM {quoted(table.name)}"):
                session.exec_driver_sql(filling(table, condition, counted))
            count = session.exec_driver_sql(statement).rowcount
    except sqlalchemy.exc.DBAPIError as refusal:
        return Trial(condition, None, f"the server refuses the rows: {getattr(refusal, 'orig', refusal)}")
    violating = cloud.rows(database, condition.sql)
    if count < 1 or not violating:
        return Trial(condition, None, "the seeded cloud has no row to make them of")
    before = _rows(cloud, database, condition.table)
    last = hop(cloud)
    code = f"{last.release}: {load_releases()[last.release].services[last.service].code}"
    if last.outcome is Outcome.FAILED:
        left = "+".join(last.versions_after.get(database, ())) or "no version"
        error = last.diagnosis.error if last.diagnosis else "; ".join(last.problems)
        return Trial(condition, Result(Came.STOPS, _short(error), left, code=code))
    words = _difference(before, _rows(cloud, database, condition.table), condition)
    return Trial(condition, Result(Came.SILENT if words else Came.COPES, words=words, code=code))


def _hop(cloud: Cloud, before: Release, release: Release, service: str, scratch: Path) -> StepResult:
    return run_hop(cloud, release, service, scratch / "tool.log", scratch / "config", source=before)


Rows = collections.Counter[tuple[object, ...]]


def _rows(cloud: Cloud, database: str, table: str) -> Rows:
    """The rows of a table by their primary key, and whether they are deleted."""
    if table not in cloud.tables(database):
        return collections.Counter()
    deleted = ", deleted <> 0" if "deleted" in cloud.columns(database, table) else ""
    schema = read_schema(cloud.server, cloud.databases[database]).table(table)
    assert schema is not None
    key = next((i.columns for i in schema.indexes if i.name == "PRIMARY"), tuple(c.name for c in schema.columns))
    columns = ", ".join(map(quoted, key))
    return collections.Counter(cloud.rows(database, f"SELECT {columns}{deleted} FROM {quoted(table)}"))


def _difference(before: Rows, after: Rows, condition: Condition) -> str:
    """What became of the table's rows besides what the migration asks of them; empty for nothing."""
    if not after:
        return ""
    gone = before - after
    came = after - before
    keys = {row[:-1] for row in came}
    marked = sum(row[:-1] in keys for row in gone)
    lost = sum(gone.values()) - marked
    said = [f"it deletes rows of {condition.table}"] if lost else []
    said += [f"it marks rows of {condition.table} as deleted"] if marked else []
    return " and ".join(said)


def _short(error: str) -> str:
    return " ".join(re.sub(r"`hunt_\w+`\.", "", error).split())[:240]


def hunt(path: str, services: Sequence[str]) -> Iterable[Trial]:
    """Try every condition of every hop of a path; each in a fresh copy of the seeded cloud, taken there by the tools.

    Raises LabFault where a hop does not come through without anything planted.
    """
    releases = load_releases()
    plan: Plan = make_plan(find_path(load_paths(), releases, path), releases)
    say = functools.partial(print, file=sys.stderr)
    with tempfile.TemporaryDirectory() as directory, open_laboratory(plan, say) as laboratory:
        _, shelved = prepare_seeded(laboratory, load_description(), Path(directory), say)
        here = with_arrivals(laboratory, restore_lane(laboratory, shelved, ""))
        walked = laboratory.cloud(Site(), "walked", here)
        chosen = [service for service in plan.services if service in (services or plan.services)]
        for before, release in itertools.pairwise(plan.releases):
            laboratory.server.save(list(here.values()), before.name)
            relocate(walked, before)
            for service in chosen:
                if service in before.services:
                    yield from _hunted(laboratory, before, release, service, Path(directory))
            for service in chosen:
                if service in release.services:
                    _through(_hop(walked, before, release, service, Path(directory)))


def _hunted(laboratory: Laboratory, before: Release, release: Release, service: str, scratch: Path) -> Iterable[Trial]:
    """The trials of one service's hop."""
    names = [database.name for database in before.services[service].databases]
    hop = functools.partial(_hop, before=before, release=release, service=service, scratch=scratch)
    for name in names:
        line = line_of(name, Site(), before.name, release.name)
        if line is None:
            continue
        start = line.head(before.name)
        for number, condition in enumerate(conditions(start.schema, line, start.name, release.name)):
            if number == 0:
                _through(hop(_copy_of(laboratory, before, service)))
            trial = run_trial(_copy_of(laboratory, before, service), condition, hop)
            said = trial.result.came if trial.result else f"untried: {trial.why}"
            print(f"{condition.service} {condition.key}: {said}", flush=True)
            yield trial


def _copy_of(laboratory: Laboratory, release: Release, service: str) -> Cloud:
    """A fresh copy of one service's databases as they were at a release."""
    databases = {d.name: f"hunt_{d.name}" for d in release.services[service].databases}
    laboratory.server.load(release.name, databases)
    cloud = laboratory.cloud(Site(), "hunt", databases)
    relocate(cloud, release, (service,))
    return cloud


def _through(result: StepResult) -> None:
    if result.problems:
        raise LabFault(f"{result.step} does not come through with nothing planted: {'; '.join(result.problems)}")


def page(known: Mapping[str, Mapping[str, Result]]) -> str:
    """What came of all conditions that were tried, by database, as the table of docs/foresight.md."""
    lines = ["| database | stops | changes rows silently | copes |", "|---|---|---|---|"]
    for database, found in sorted(known.items()):
        counts = collections.Counter(result.came for result in found.values())
        lines.append(f"| {database} | {counts[Came.STOPS]} | {counts[Came.SILENT]} | {counts[Came.COPES]} |")
    return "\n".join(lines)


def _keep(known: Mapping[str, Mapping[str, Result]]) -> None:
    outcomes.write(known)
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(MARK)
    after = rest.partition(MARK)[2]
    PAGE.write_text(f"{before}{MARK}\n{page(known)}\n{MARK}{after}", "utf-8")


def main() -> int:
    """Run the hunt, keep what it found, and print how many conditions came to what."""
    parser = argparse.ArgumentParser(prog="python -m tools.hunt", description=__doc__)
    parser.add_argument("services", nargs="*", metavar="SERVICE")
    parser.add_argument("--path", default=usual_path())
    options = parser.parse_args()
    known = {service: dict(found) for service, found in outcomes.results().items()}
    counts: collections.Counter[str] = collections.Counter()
    for trial in hunt(options.path, options.services):
        counts[str(trial.result.came) if trial.result else "untried"] += 1
        if trial.result:
            known.setdefault(trial.condition.service, {})[trial.condition.key] = trial.result
            _keep(known)
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
