"""No false alarm: ``python -m tools.seed_trial [--seeds N] [--first SEED] [--cloud FILE] [--shapes] [--db IMAGE]``.

It is ``make seeds``.
Clouds of different seeds, each clean, are searched by every preflight of the path, and upgraded under all invariants.
Only what every cloud of the path has by nature may be found, and must be cured.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from osupgrade.catalog import content
from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.checks import Check, load_checks
from osupgrade.cli.options import DEFAULT_PATH, plan_from
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Laboratory, fill, make_schemas, open_laboratory
from osupgrade.cloud.passed import SOURCE as PASSED
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import Exit, Fault, LabFault
from osupgrade.model.events import EventLog
from osupgrade.model.plan import Plan, find_path, make_plan
from osupgrade.model.report import LaneResult
from osupgrade.rehearsal.runner import Runner
from osupgrade.scenarios.charset import conversion
from osupgrade.scenarios.contract import Scenario
from osupgrade.scenarios.loading import load_scenarios
from osupgrade.seed.description import load_description
from tools.seed_shapes import Shape, shape_of

LANE = "trial"
_EMPTY = "trial-empty"


@dataclass(frozen=True)
class Trial:
    """What one clean cloud was blamed for. ``asked`` counts preflights, ``checked`` invariants; times are seconds."""

    seed: int
    rows: int
    asked: int
    checked: int
    alarms: tuple[str, ...]
    seeding: float
    upgrading: float

    def __str__(self) -> str:
        said = f"{len(self.alarms)} false alarms" if self.alarms else "no false alarm"
        line = (
            f"seed {self.seed}: {self.rows} rows seeded in {self.seeding:.0f} s, {self.asked} preflights, "
            f"{self.checked} invariants at the end after {self.upgrading:.0f} s: {said}"
        )
        return "\n    ".join((line, *self.alarms))


class Trials:
    """Clouds of one laboratory, one after the other in the same databases; the empty schemas are made once."""

    def __init__(self, laboratory: Laboratory, directory: Path) -> None:
        first = laboratory.plan.first
        names = {d.name: f"{LANE}_{d.name}" for part in first.services.values() for d in part.databases}
        self._laboratory = laboratory
        self._directory = directory
        self._cloud = laboratory.cloud(Site(), LANE, names)
        self._scenarios = load_scenarios([content.scenarios()])
        make_schemas(laboratory, self._cloud, first, directory)
        laboratory.server.save(list(names.values()), _EMPTY)

    def run(self, shape: Shape) -> Trial:
        """Seed a cloud and take it along the path; raises Fault only for what is not the cloud's doing."""
        names = self._cloud.databases.values()
        self._laboratory.server.load(_EMPTY, {name: name for name in names})
        started = time.monotonic()
        fill(self._laboratory, self._cloud, shape.description, lambda _line: None)
        cloud = self._brought(shape)
        seeding = time.monotonic() - started
        rows = _rows(cloud)
        plan = make_plan(self._laboratory.plan.path, load_releases(), shape.services)
        known = self._scenarios.applying(plan)
        checks = [load_checks()[name] for name in plan.path.checks]
        checks = [check for check in checks if set(check.services) <= set(plan.services)]
        result = self._taken(plan, cloud, f"seed{shape.description.seed}", known, checks)
        return Trial(
            seed=shape.description.seed,
            rows=rows,
            asked=sum(len(stages) for s in known for stages, _preflight in s.preflights),
            checked=len(result.checked),
            alarms=(*alarms(known, result, shape.traps), *_unasked(checks, result)),
            seeding=seeding,
            upgrading=result.seconds,
        )

    def _brought(self, shape: Shape) -> Cloud:
        """The seeded cloud, changed to what the shape says, with the databases that are given."""
        cloud = self._cloud
        for database, text in itertools.chain.from_iterable(shape.changes.values()):
            cloud.execute(database, text)
        for database, charset in shape.charsets.items():
            name, _, collation = charset.partition("/")
            default = f"ALTER DATABASE DEFAULT CHARACTER SET {name}" + (f" COLLATE {collation}" if collation else "")
            cloud.execute(database, *conversion(cloud, database, cloud.tables(database), name, collation), default)
        for service, release in shape.ahead.items():
            path = find_path(load_paths(), load_releases(), f"{self._laboratory.plan.first.name}-{release}")
            plan = make_plan(dataclasses.replace(path, finish=""), load_releases(), [service])
            result = self._taken(plan, cloud, f"{service}-ahead", self._scenarios.applying(plan), ())
            if result.failed:
                raise LabFault(f"{service} does not get to {release}: {result.failed[0].problems}")
        given = shape.services or tuple(cloud.databases)
        return dataclasses.replace(cloud, databases={name: cloud.databases[name] for name in given})

    def _taken(
        self, plan: Plan, cloud: Cloud, name: str, known: Sequence[Scenario], checks: Sequence[Check]
    ) -> LaneResult:
        run = RunDirectory.make(self._directory, name)
        with EventLog(run.events) as events:
            runner = Runner(plan=plan, run=run, events=events, known=known, checks=checks)
            return runner.go(dataclasses.replace(cloud, logs=run.path / "logs")).result

    def drop(self) -> None:
        """Remove the databases."""
        for name in self._cloud.databases.values():
            self._laboratory.server.drop(name)


def alarms(known: Sequence[Scenario], result: LaneResult, traps: Collection[str] = ()) -> tuple[str, ...]:
    """What a clean cloud was blamed for: a step that failed, and findings of all but what every cloud has by nature.

    A finding of the latter counts when it is an error, because its cure then did not hold; so does one of ``traps``,
    the scenarios that rightly find something. That a step was passed over is no blame.
    """
    natural = {s.name for s in known if s.universal} | {PASSED, *traps}
    said = [f"{step.step} failed: {'; '.join(step.problems)}" for step in result.failed]
    for found in result.findings:
        if found.finding.source not in natural or found in result.unresolved:
            said.append(f"{found.finding.source} at {found.stage}, {found.state.word}: {found.finding.message}")
            said.extend(f"  {' '.join(row)}" for row in found.finding.evidence.rows[:3])
    return tuple(said)


def _unasked(checks: Sequence[Check], result: LaneResult) -> tuple[str, ...]:
    return tuple(f"the invariant {check.name} was not asked" for check in checks if check.name not in result.checked)


def _rows(cloud: Cloud) -> int:
    return sum(
        cloud.value(name, f"SELECT COUNT(*) FROM `{table}`") for name in cloud.databases for table in cloud.tables(name)
    )


def main() -> int:
    """One line a seed; the exit status is 1 when there was a false alarm."""
    parser = argparse.ArgumentParser(prog="python -m tools.seed_trial", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many clouds")
    parser.add_argument("--first", type=int, default=1, help="the first seed; the others follow it")
    parser.add_argument("--cloud", type=Path, help="a cloud.toml of another shape; its seed is not used")
    parser.add_argument("--db", default="auto", help="the image of the database server, such as mariadb105")
    parser.add_argument("--shapes", action="store_true", help="another shape for each seed, which decides it")
    options = parser.parse_args()
    blamed = 0
    try:
        shape = load_description(options.cloud)
        with (
            tempfile.TemporaryDirectory(prefix="osupgrade-seeds-") as scratch,
            open_laboratory(plan_from(DEFAULT_PATH), print, database=options.db) as laboratory,
        ):
            trials = Trials(laboratory, Path(scratch))
            for seed in range(options.first, options.first + options.seeds):
                shaped = shape_of(shape, seed) if options.shapes else Shape(dataclasses.replace(shape, seed=seed), {})
                print(shaped, flush=True)
                trial = trials.run(shaped)
                print(trial, flush=True)
                blamed += bool(trial.alarms)
    except Fault as fault:
        print(f"{fault.message}\n{fault.evidence}\n{fault.hint}".strip(), file=sys.stderr)
        return int(fault.status)
    print(f"{options.seeds - blamed} of {options.seeds} clouds came through without a false alarm")
    return int(Exit.DID_NOT if blamed else Exit.CAME_THROUGH)


if __name__ == "__main__":
    sys.exit(main())
