"""Random stretches of the chain: ``python -m tools.stretches [--count N] [--first SEED] [--to RELEASE]``.

It is ``make stretches``. Each seed draws where a route begins and ends, how it is chosen, which services take part, the
database server and a sound cloud; every one of them must come through. Equal seeds give equal stretches.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import Exit, Fault, UsageFault
from osupgrade.model.events import EventLog
from osupgrade.model.findings import settled
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.release import Release
from osupgrade.model.report import RunReport
from osupgrade.model.route import stretches
from osupgrade.rehearsal.prepare import load
from osupgrade.rehearsal.rehearse import rehearse
from osupgrade.rehearsal.request import Request
from osupgrade.report.write import write_reports
from osupgrade.seed.description import load_description
from tools.seed_shapes import shape_of

KINDS = ("supported", "every", "fewest")
LONGEST = 9
"""Releases that a random stretch spans at most; the whole chain has a route of its own in the nightly."""
TRIES = 50


@dataclass(frozen=True)
class Stretch:
    """One route to rehearse. ``shaped`` says whether the cloud has a shape of its own, drawn from the seed."""

    seed: int
    path: str
    services: tuple[str, ...]
    shaped: bool

    @property
    def request(self) -> Request:
        """What ``osupgrade rehearse`` would be asked."""
        description = shape_of(load_description(None), self.seed).description if self.shaped else None
        return Request(path=self.path, services=self.services, description=description, rollback=True)

    def __str__(self) -> str:
        cloud = f"cloud of seed {self.seed}" if self.shaped else "the usual cloud"
        return f"{self.seed}: {self.path}, {', '.join(self.services) or 'all services'}, {cloud}"


def stretch_of(seed: int, chain: Sequence[Release], last: str = "") -> Stretch:
    """The stretch that belongs to a seed, of those that can be planned; it ends no later than at ``last``."""
    chance = random.Random(seed)
    names = [release.name for release in chain]
    names = names[: names.index(last) + 1] if last else names
    for _ in range(TRIES):
        start = chance.randrange(len(names) - 1)
        end = min(start + chance.randint(1, LONGEST), len(names) - 1)
        path = f"{names[start]}-{names[end]}-{chance.choice(KINDS)}"
        offered = [service for service in chain[end].services if service in chain[start].services]
        some = sorted(chance.sample(offered, chance.choice((1, 1, 2, 3)))) if chance.random() < 0.5 else []
        try:
            make_plan(find_path(load_paths(), load_releases(), path), load_releases(), some)
        except UsageFault:
            continue  # a skip that the tools refuse, and the planner too
        return Stretch(seed, path, tuple(some), chance.random() < 0.3)
    raise UsageFault(f"no stretch of seed {seed} can be planned")


def run(stretch: Stretch, out: Path) -> tuple[RunReport, RunDirectory]:
    """Rehearse it; raises Fault as a rehearsal does."""
    task = load(stretch.request)
    directory = RunDirectory.make(out, f"{stretch.seed}-{task.plan.path.name}")
    with EventLog(directory.events) as events:
        report = rehearse(task, directory, events)
    write_reports(report, directory)
    directory.finish()
    return report, directory


def main() -> int:
    """One line a stretch; the exit status is 1 when one of them did not come through."""
    parser = argparse.ArgumentParser(prog="python -m tools.stretches", description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="how many stretches")
    parser.add_argument("--first", type=int, default=1, help="the first seed; the others follow it")
    parser.add_argument("--to", default="", help="the last release that a stretch may reach")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="a directory of run directories")
    options = parser.parse_args()
    chain = max(stretches(load_releases()), key=len)
    bad = 0
    for seed in range(options.first, options.first + options.count):
        stretch = stretch_of(seed, chain, options.to)
        print(stretch, flush=True)
        started = time.monotonic()
        try:
            report, directory = run(stretch, options.out)
        except Fault as fault:
            print(f"    {fault.message}\n{fault.evidence}\n{fault.hint}".rstrip(), flush=True)
            bad += 1
            continue
        print(f"    {report.verdict} in {time.monotonic() - started:.0f} s", flush=True)
        if report.exit_status != Exit.CAME_THROUGH:
            bad += 1
            for staged in settled(report.result.unresolved) if report.result else ():
                print(f"    {staged.finding.source} at {staged.stage}: {staged.finding.message}", flush=True)
            print(f"    osupgrade reproduce {directory.path} --shrink", flush=True)
    print(f"{options.count - bad} of {options.count} stretches came through")
    return int(Exit.DID_NOT if bad else Exit.CAME_THROUGH)


if __name__ == "__main__":
    sys.exit(main())
