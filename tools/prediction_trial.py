"""Holding predictions against real runs: ``make trial``, or ``python -m tools.prediction_trial --count 20 --seed 3``.

Single customisations are drawn by hypothesis from what the catalogue knows, put into a clean Grizzly database one by
one, and run through the real tools of Havana and Icehouse.
"""

from __future__ import annotations

import argparse
import json
import queue
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy

from osupgrade.catalog.releases import load_paths, load_releases, usual_path
from osupgrade.catalog.site import Site
from osupgrade.cli import guarded
from osupgrade.cloud.laboratory import open_laboratory
from osupgrade.cloud.steps import run_hop
from osupgrade.lab.parallel import threads
from osupgrade.model.errors import LabFault
from osupgrade.model.finding import Fate
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.step import Outcome
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.diff import Change
from osupgrade.schema.identify import customisations
from osupgrade.schema.predict import first_stop, predict
from osupgrade.schema.reading import read_schema
from osupgrade.schema.verdicts import verdicts
from tools.build_catalogue import SERVICES, VARIANTS, Bench
from tools.customisations import Case, gather

AIM = 0.95
"""The share of predictions that must be right."""


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
            (version,) = step.versions_after[case.service]
            end = line.position(line.head(release.name).name) or 0
            # A tool that fails after its last revision is said to have failed in it.
            stopped = line.revisions[min((line.position(version) or 0) + 1, end)].name
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
