"""Bringing a failing run's cloud back to where its step began, and letting the step fail again.

The databases come from where the run had them: the seeded cloud of the same digest with the same scenarios put in and
the same cures applied, or the operator's dumps, if they are still what they were; with neither, what ``--keep``
left up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker

from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import SEEDED_SHELF, Laboratory, Say, restore_lane, with_arrivals
from osupgrade.cloud.steps import relocate, run_finish, run_hop
from osupgrade.dump.read import Dump, read_dump, read_dumps
from osupgrade.dump.restore import restore
from osupgrade.dump.write import write_dump
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.database import PORT, DatabaseServer
from osupgrade.lab.leftovers import RUN_LABEL
from osupgrade.lab.snapshots import CloudCache
from osupgrade.lab.sources import cache_directory
from osupgrade.model.errors import Exit, Fault, LabFault, MissingFault, UsageFault
from osupgrade.model.events import EventLog
from osupgrade.model.plan import Plan
from osupgrade.model.release import Finish, Release
from osupgrade.model.report import KeptDatabase, RunReport
from osupgrade.model.step import Outcome, StepResult
from osupgrade.rehearsal.conduct import LARGE, Brought, Request, bring
from osupgrade.rehearsal.runner import Rehearsal
from osupgrade.report.json import read_json
from osupgrade.reproduce.failure import Failure, failure_of
from osupgrade.scenarios.contract import Instead, Lane, Scenario
from osupgrade.seed.scale import scale

IN_MEMORY = 1 << 30
"""Bytes of SQL up to which dumps are restored into a server that keeps its files in memory."""
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")


class NotAgain(Fault):
    """It does not fail in the same way; said precisely."""

    status = Exit.DID_NOT


@dataclass(frozen=True)
class Step:
    """One hop or finish of a plan: what runs, and on which databases."""

    name: str
    service: str
    release: Release
    source: Release | None
    finish: Finish | None

    @property
    def databases(self) -> tuple[str, ...]:
        """The databases that the service's own tool sees, by their logical names."""
        parts = [release.services[self.service] for release in (self.source, self.release) if release]
        return tuple(dict.fromkeys(database.name for part in parts for database in part.databases))

    @property
    def version_tables(self) -> dict[str, str]:
        """The table of each database that says at which revision it is."""
        return {d.name: d.version_table for d in self.release.services[self.service].databases}


@dataclass(frozen=True)
class FailedRun:
    """A run that failed at ``step``, as far as it matters for failing again."""

    name: str
    report: RunReport
    step: StepResult
    kept: KeptDatabase | None

    @property
    def failure(self) -> Failure:
        """How it failed; a rehearsal's databases have their logical names."""
        return failure_of(self.step, self.step.versions_after)

    @property
    def hints(self) -> frozenset[str]:
        """Values that what is wrong is likely to have: those the run's findings and its error show."""
        assert self.report.result is not None
        found = {
            cell
            for staged in self.report.result.findings
            if staged.finding.service == self.step.service
            for row in staged.finding.evidence.rows
            for cell in row
        }
        error = self.step.diagnosis.error if self.step.diagnosis else ""
        found.update(re.findall(r"'([^'\\]+)'", error))
        return frozenset(value for value in found if value and value != "NULL")

    @property
    def places(self) -> frozenset[str]:
        """The tables, as ``database.table``, that the run's findings about the service name."""
        assert self.report.result is not None
        places = (s.finding.place for s in self.report.result.findings if s.finding.service == self.step.service)
        return frozenset(part.strip() for place in places for part in place.split(","))


def read_failed(run: RunDirectory, step: str = "") -> FailedRun:
    """The failing step of a finished run: the one named, else the first that failed.

    Raises UsageFault when the run is no rehearsal, or nothing in it failed.
    """
    report = read_json(run.path / "report.json")
    if report.kind != "rehearsal" or report.result is None:
        raise UsageFault(
            f"{run.path} is no rehearsal but {report.kind}",
            hint="osupgrade rehearse --scenario NAME --no-cure gives a run to reproduce",
        )
    failed = {result.step: result for result in report.result.failed}
    if not failed:
        stand = len(report.result.standing)
        what = "came through" if not stand else f"has no step that failed ({stand} findings stand: see its report.html)"
        raise UsageFault(f"{run.path} {what}: there is nothing to reproduce", hint="give a run in which a step failed")
    if step and step not in failed:
        raise UsageFault(f"{step} did not fail in {run.path}", hint=f"what failed there: {', '.join(failed)}")
    return FailedRun(run.path.resolve().name, report, failed[step or next(iter(failed))], report.kept)


def find_step(plan: Plan, name: str) -> Step:
    """A step of a plan by its name; raises UsageFault when there is none."""
    if plan.finish and plan.finish.name == name:
        return Step(name, plan.finish.service, plan.last, None, plan.finish)
    releases = {release.name: release for release in plan.releases}
    for chain in plan.chains:
        for hop in chain.hops:
            if hop.step == name:
                return Step(name, hop.service, releases[hop.target], releases[hop.source], None)
    raise UsageFault(f"the path {plan.path.name} has no step {name!r}; it has {', '.join(plan.steps)}")


def same_dumps(cloud: str, paths: Sequence[Path]) -> tuple[Dump, ...]:
    """The dumps of a run, read again, if they are still those whose SHA-256 stands in its manifest (``cloud``).

    Raises MissingFault for one that is gone or was changed.
    """
    hint = "give the same dump with --dump, wherever it is now"
    for path in paths:
        if not path.exists():
            raise MissingFault(f"the dump {path}, with which the run was made, is no longer there", hint=hint)
    dumps = read_dumps(paths)
    wanted = set(_SHA256.findall(cloud))
    for dump in dumps:
        if dump.sha256 not in wanted:
            raise MissingFault(
                f"{dump.path} is another dump than the run was made with",
                hint=hint,
                evidence=f"its SHA-256 is {dump.sha256}, the run's {', '.join(sorted(wanted)) or 'had no dump'}",
            )
    if missing := wanted - {dump.sha256 for dump in dumps}:
        raise MissingFault(f"not all dumps of the run are given: {', '.join(sorted(missing))} is missing", hint=hint)
    return dumps


def in_memory(request: Request) -> bool:
    """Whether the cloud is small enough for a server that keeps its files in memory."""
    return request.factor < 10 * LARGE and sum(dump.sql_bytes for dump in request.dumps) < IN_MEMORY


def lead_there(laboratory: Laboratory, request: Request, run: FailedRun, directory: RunDirectory, say: Say) -> Cloud:
    """The run's cloud as it was when the failing step began: the same traps, cures and earlier steps again.

    Raises MissingFault when the cloud cannot be had again, UsageFault when it does not get as far this time.
    """
    brought = _bring(laboratory, request, run.report.manifest.cloud, directory, say)
    say(f"taking it to where {run.step.step} began")
    with EventLog(directory.events) as events:
        rehearsal = Rehearsal(
            plan=request.plan,
            cloud=brought.cloud,
            run=directory,
            events=events,
            known=[s for s in request.known if s.applies(request.plan)],
            injected=request.injected,
            may_cure=request.may_cure,
            lane="naive" if request.naive else "cured",
            jobs=request.jobs,
            until=run.step.step,
        )
        result = rehearsal.go()
    early = [step for step in result.failed if step.service == run.step.service]
    if result.refused or early:
        said = result.refused or f"{early[0].step}: {'; '.join(early[0].problems)}"
        raise NotAgain(f"this time the run did not even get to {run.step.step}", evidence=said)
    return rehearsal.cloud


def _bring(laboratory: Laboratory, request: Request, cloud: str, directory: RunDirectory, say: Say) -> Brought:
    cache = CloudCache(cache_directory() / "clouds")
    digest = cloud.partition(" ")[0]  # what follows says how many times it was multiplied
    if request.dumps or not cache.has(digest):
        brought = bring(request, laboratory, directory, say)
        if not request.dumps and brought.origin != cloud:
            raise MissingFault(
                f"the seeded cloud of that run ({cloud}) is no longer in the cache, and cannot be made again: what it "
                f"is made of has changed since (it would be {brought.origin})",
                hint="rehearse once more, and reproduce that run",
            )
        return brought
    cache.bring(laboratory.server, digest, SEEDED_SHELF)
    first = laboratory.plan.first
    names = {d.name: d.name for d in request.plan.databases(first)}
    databases = with_arrivals(laboratory, restore_lane(laboratory, names, ""))
    if request.factor > 1:
        say(f"multiplying the cloud by {request.factor}")
        scale(laboratory.server.engine, first.seed, databases, request.factor, say)
    return Brought(laboratory.cloud(request.site, "main", databases, directory.path / "logs"), cloud)


def kept_databases(client: docker.DockerClient, kept: KeptDatabase, step: Step, out: Path) -> None:
    """Dump what ``--keep`` left up: the step's databases as they are after the failure.

    Raises MissingFault when nothing is up there any more.
    """
    for container in client.containers.list(filters={"label": RUN_LABEL}, ignore_removed=True):
        published = (container.ports or {}).get(f"{PORT}/tcp") or []
        if any(int(place["HostPort"]) == kept.port for place in published):
            with DatabaseServer(container, kept.port, kept.password) as server:
                write_dump(server, [kept.databases[name] for name in step.databases if name in kept.databases], out)
            return
    raise MissingFault(
        f"the database that the run kept is not up any more ({kept.host}:{kept.port})", hint="rehearse once more"
    )


def restored(laboratory: Laboratory, dump: Path, site: Site, databases: Sequence[str], prefix: str) -> Cloud:
    """A cloud of the step's databases out of one dump that names them as they are called logically."""
    read = read_dump(dump)
    there = [section.name for section in read.sections]
    wanted = {name: name for name in databases if name in there}
    into = {name: f"{prefix}{name}" for name in wanted}
    made = restore(laboratory.server, [read], into=into, choose=wanted, only=tuple(wanted))
    return laboratory.cloud(site, prefix.strip("_") or "main", made.databases)


def replacement(scenarios: Iterable[Scenario], lane: Lane, step: str) -> tuple[str, Instead | None]:
    """The scenario that does ``step`` in place of the release's own tool, if one does."""
    for scenario in scenarios:
        if (lane, step) in scenario.replacements:
            return scenario.name, scenario.replacements[lane, step]
    return "", None


def run_step(cloud: Cloud, plan: Plan, step: Step, log: Path, config: Path, instead: Instead | None) -> StepResult:
    """Let the step run on a cloud that stands where it begins; raises LabFault when the server went away."""
    log.unlink(missing_ok=True)
    relocate(cloud, plan.first)
    if step.finish:
        result = run_finish(cloud, step.finish, step.release, log, config, instead=instead)
    else:
        result = run_hop(cloud, step.release, step.service, log, config, source=step.source, instead=instead)
    if result.outcome is Outcome.FAILED and not cloud.server.alive():
        raise LabFault("the database server stopped in the middle of the step", hint="look whether memory ran out")
    return result
