"""Running a shard of the nightly: its whole rehearsals one by one, and its scenarios of each path and database."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker
from rich.console import Console

from osupgrade.catalog.releases import load_paths, load_releases, nightly_routes
from osupgrade.catalog.running import Level
from osupgrade.history import History, Thing, how_of, subject_of
from osupgrade.history.inputs import host_digest
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.images import database_for
from osupgrade.model.errors import Exit, Fault, MissingFault
from osupgrade.model.events import EventLog
from osupgrade.model.plan import Plan, find_path, make_plan
from osupgrade.model.release import Release, UpgradePath
from osupgrade.model.report import Part, RunReport
from osupgrade.model.text import duration
from osupgrade.nightly.join import merged_manifest, nightly_report
from osupgrade.nightly.split import AGAIN, CARRIED, CLEAN, NEW_CONTROLLER, WHOLE, Unit
from osupgrade.rehearsal.manifest import blank_manifest, now
from osupgrade.rehearsal.prepare import load
from osupgrade.rehearsal.rehearse import rehearse
from osupgrade.rehearsal.request import Request
from osupgrade.rehearsal.suite import Trial, prove
from osupgrade.report.terminal.live import ScenarioView, live
from osupgrade.report.write import write_reports
from osupgrade.scenarios.loading import ScenarioSet

TIMES = 10
"""How often the same cloud is upgraded along the path in ``again``."""
LEVELS: Mapping[str, Level | None] = {CLEAN: "full", CARRIED: "smoke", NEW_CONTROLLER: "smoke", AGAIN: None}
"""How far each kind asks the last release's APIs."""
SCENARIOS = "scenarios"

Remember = Callable[[RunReport], RunReport]
"""Keeps a part's report for later runs."""


@functools.cache
def _routes() -> frozenset[str]:
    """The names of the nightly's routes along the chain, as a path has them."""
    return frozenset(find_path(load_paths(), load_releases(), name).name for name in nightly_routes())


def matrix(
    paths: Sequence[UpgradePath], databases: Sequence[str], kinds: Sequence[str], found: ScenarioSet
) -> tuple[Unit, ...]:
    """Everything that a nightly of some paths runs; ``databases`` and ``kinds`` narrow it, empty for all.

    ``kinds`` are those of ``WHOLE``, ``scenarios``, and names of scenarios. Of a route along the chain it is the clean
    cloud alone, on one database: its traps are those of the releases, which other paths show.
    """
    units = []
    releases = load_releases()
    routes = _routes()
    for path in paths:
        plan = make_plan(path, releases)
        if path.name in routes:
            if not kinds or CLEAN in kinds:
                units += [Unit(path.name, d, CLEAN) for d in path.databases[:1] if not databases or d in databases]
            continue
        for database in path.databases:
            if databases and database not in databases:
                continue
            fits = {CARRIED: bool(path.carries), NEW_CONTROLLER: database != path.databases[0]}
            names = [kind for kind in WHOLE if (not kinds or kind in kinds) and fits.get(kind, True)]
            names += [
                f"scenario {s.name}"
                for s in found.scenarios.values()
                if s.can_run(plan) and (not kinds or SCENARIOS in kinds or s.name in kinds)
            ]
            units += [Unit(path.name, database, name) for name in names]
    return tuple(units)


def thing_of(unit: Unit, paths: Mapping[str, UpgradePath]) -> Thing:
    """What past runs know a unit as."""
    if unit.scenario:
        return Thing(unit.path, unit.database, unit.scenario)
    carried = paths[unit.path].carries if unit.what == CARRIED else ()
    how = how_of(LEVELS[unit.what] or "", TIMES if unit.what == AGAIN else 1)
    return Thing(unit.path, unit.database, subject_of(carried, unit.what == NEW_CONTROLLER), how)


@dataclass(frozen=True)
class Nightly:
    """A shard, and what it is run with. ``seconds`` says how long each unit is expected to take."""

    units: Sequence[Unit]
    whole: Sequence[Unit]
    seconds: Mapping[Unit, float]
    paths: Mapping[str, UpgradePath]
    releases: Mapping[str, Release]
    found: ScenarioSet
    own_scenarios: Sequence[Path]
    jobs: int
    history: History | None
    remember: Remember
    console: Console
    quiet: bool

    def run(self, run: RunDirectory, client: docker.DockerClient) -> RunReport:
        """Run all units; what goes wrong with one part is reported there, and the others still run."""
        began, started = time.monotonic(), now()
        info = client.info()
        parts: list[Part] = []
        groups = list(_groups(self.units))
        for number, (name, units) in enumerate(groups, 1):
            left = sum(self.seconds[unit] for _, group in groups[number - 1 :] for unit in group)
            self._say(f"part {number} of {len(groups)}: {name}, about {duration(left)} left")
            parts.append(self._part(name, units, run, str(info.get("Architecture", ""))))
            self._say(f"part {number} of {len(groups)}: {_outcome(parts[-1])}")
        manifest = dataclasses.replace(blank_manifest(started), host=host_digest(info))
        manifest = merged_manifest(manifest, [part.report for part in parts if part.report])
        names = [unit.name for unit in self.whole]
        return nightly_report(parts, names, manifest, time.monotonic() - began, str(run.path))

    def _part(self, name: str, units: Sequence[Unit], run: RunDirectory, machine: str) -> Part:
        here = run.part(name)
        place = str(here.path.relative_to(run.path))
        names = tuple(unit.name for unit in units)
        try:
            self._require(units[0].database, machine)
            if units[0].what == NEW_CONTROLLER:
                self._require(self.paths[units[0].path].databases[0], machine)
            report = self._scenarios(units, here) if units[0].scenario else self._rehearsal(units[0], here)
        except Fault as fault:
            why = f"{fault.message}; {fault.hint}" if fault.hint else fault.message
            (here.path / "fault.txt").write_text(f"{why}\n{fault.evidence}\n", "utf-8")
            return Part(name, names, fault.status, None, why, place)
        except Exception as fault:  # a fault of the lab in one part spares the others
            (here.path / "fault.txt").write_text(traceback.format_exc(), "utf-8")
            why = f"a fault of the lab itself: {type(fault).__name__}: {fault}"
            return Part(name, names, Exit.LAB_FAULT, None, why, place)
        report = self.remember(report)
        write_reports(report, here)
        return Part(name, names, report.exit_status, report, "", place)

    def _require(self, database: str, machine: str) -> None:
        """A nightly says what it could not run; it never runs something else in its place."""
        choice, reason = database_for(machine, database)
        if choice != database:
            raise MissingFault(f"{database} cannot run here: {reason.partition(';')[0]}")

    def _rehearsal(self, unit: Unit, here: RunDirectory) -> RunReport:
        plan = self._plan(unit.path)
        moved = unit.what == NEW_CONTROLLER
        request = Request(
            path=unit.path,
            own_scenarios=tuple(self.own_scenarios),
            scenarios=plan.path.carries if unit.what == CARRIED else (),
            database=plan.path.databases[0] if moved else unit.database,
            new_database=unit.database if moved else "",
            rollback=moved or unit.what == CLEAN,
            level=LEVELS[unit.what],
            times=TIMES if unit.what == AGAIN else 1,
        )
        view = live(plan, self.console, quiet=self.quiet, expected=self.seconds[unit])
        with view, EventLog(here.events, view.on_event) as events:
            return rehearse(load(request), here, events, self.history)

    def _scenarios(self, units: Sequence[Unit], here: RunDirectory) -> RunReport:
        path = units[0].path
        trial = Trial(
            plan=self._plan(path),
            chosen=self.found.chosen([unit.scenario for unit in units]),
            known=self.found.applying(self._plan(path)),
            plan_for=lambda scenario: make_plan(self.paths[path], self.releases, scenario.services),
            database=units[0].database,
            jobs=self.jobs,
            broken=self.found.broken,
        )
        view = ScenarioView(len(units), self.console, quiet=self.quiet)
        with view:
            return prove(trial, here, view.say, view.on_report)

    def _plan(self, path: str) -> Plan:
        return make_plan(self.paths[path], self.releases)

    def _say(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, markup=False, soft_wrap=True)


def _groups(units: Sequence[Unit]) -> Iterator[tuple[str, tuple[Unit, ...]]]:
    """The parts: each whole rehearsal, and all scenarios of one path and database together, in one laboratory."""

    def name(unit: Unit) -> str:
        return f"{unit.path} {unit.database} {SCENARIOS if unit.scenario else unit.what}"

    for key, group in itertools.groupby(units, key=name):
        yield key, tuple(group)


def _outcome(part: Part) -> str:
    if part.report:
        return f"{part.report.verdict} ({duration(part.report.seconds)})"
    return f"{'not run' if part.exit_status == Exit.MISSING else 'FAILED'}: {part.problem}"
