"""Bringing a failing run's cloud back to where its step began, and letting the step fail again.

The databases come from where the run had them: the seeded cloud of the same digest with the same scenarios put in and
the same cures applied, or the operator's dumps, if they are still what they were; with neither, what ``--keep``
left up.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker

from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import SEEDED_SHELF, Laboratory, Say
from osupgrade.cloud.route import Step
from osupgrade.cloud.steps import relocate
from osupgrade.dump.read import Dump, read_dump
from osupgrade.dump.restore import restore
from osupgrade.dump.write import write_dump
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.database import PORT, DatabaseServer
from osupgrade.lab.leftovers import RUN_LABEL
from osupgrade.lab.snapshots.clouds import CloudCache
from osupgrade.model.errors import Exit, Fault, MissingFault, UsageFault
from osupgrade.model.events import EventLog
from osupgrade.model.failure import Failure, failure_of
from osupgrade.model.places import cache_directory
from osupgrade.model.plan import SERVER, Plan
from osupgrade.model.report import KeptDatabase, RunReport
from osupgrade.model.step import Outcome, StepResult
from osupgrade.model.text import counted
from osupgrade.rehearsal.asking import require_alive
from osupgrade.rehearsal.prepare import Brought, Task, bring, runner_of, seeded
from osupgrade.rehearsal.request import LARGE
from osupgrade.rehearsal.servers import ServerMoves
from osupgrade.report.digest import servers_moved_to
from osupgrade.report.json import read_json
from osupgrade.scenarios.contract import Instead, Lane, Scenario

IN_MEMORY = 1 << 30
"""Bytes of SQL up to which dumps are restored into a server that keeps its files in memory."""
_ELSEWHERE = "give the same dump with --dump, wherever it is now"
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")


class NotAgain(Fault):
    """It does not fail in the same way; said precisely."""

    status = Exit.DID_NOT


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
    def server(self) -> str:
        """The image of the server to which the cloud was migrated last; empty if it never was."""
        assert self.report.result is not None
        moves = servers_moved_to(self.report.result)
        return moves[-1].database if moves else ""

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
            f"{run.path} is not a rehearsal but {report.kind}",
            hint="osupgrade rehearse --scenario NAME --no-cure gives a run to reproduce",
        )
    failed = {result.step: result for result in report.result.failed}
    _refuse_server(step, list(failed.values()), run)
    if not failed:
        left = len(report.result.unresolved)
        what = (
            "came through"
            if not left
            else f"has no step that failed ({counted(left, '{n} finding[s] [is|are]')} unresolved: see its report.html)"
        )
        raise UsageFault(f"{run.path} {what}: there is nothing to reproduce", hint="give a run in which a step failed")
    if step and step not in failed:
        raise UsageFault(f"{step} did not fail in {run.path}", hint=f"what failed there: {', '.join(failed)}")
    return FailedRun(run.path.resolve().name, report, failed[step or next(iter(failed))], report.kept)


def _refuse_server(wanted: str, failed: Sequence[StepResult], run: RunDirectory) -> None:
    """Raise UsageFault if the failed step is a migration to another server, which no release's tool runs."""
    first = next((result for result in failed if result.step == wanted or not wanted), None)
    if first is not None and first.service == SERVER:
        raise UsageFault(
            f"the step that failed in {run.path} is the migration to {first.step}, which cannot be reproduced",
            hint="fix what the new server rejects, or rehearse with --move to another server",
            evidence="; ".join(first.problems),
        )


def require_there(dumps: Sequence[Path]) -> None:
    """Raise MissingFault for a dump of a run that is gone."""
    for path in dumps:
        if not path.exists():
            raise MissingFault(f"the dump {path}, with which the run was made, is no longer there", hint=_ELSEWHERE)


def require_same(cloud: str, dumps: Sequence[Dump]) -> None:
    """Raise MissingFault unless the dumps are all those whose SHA-256 is in the run's manifest (``cloud``)."""
    if not dumps:
        return
    wanted = set(_SHA256.findall(cloud))
    for dump in dumps:
        if dump.sha256 not in wanted:
            raise MissingFault(
                f"{dump.path} differs from the dump that the run was made with",
                hint=_ELSEWHERE,
                evidence=f"its SHA-256 is {dump.sha256}, the run's {', '.join(sorted(wanted)) or 'had no dump'}",
            )
    if missing := wanted - {dump.sha256 for dump in dumps}:
        raise MissingFault(
            f"not all dumps of the run are given: {', '.join(sorted(missing))} is missing", hint=_ELSEWHERE
        )


def in_memory(task: Task) -> bool:
    """Whether the cloud is small enough for a server that keeps its files in memory."""
    return task.request.factor < 10 * LARGE and sum(dump.sql_bytes for dump in task.dumps) < IN_MEMORY


def lead_there(laboratory: Laboratory, task: Task, run: FailedRun, directory: RunDirectory, say: Say) -> Cloud:
    """The run's cloud as it was when the failing step began: the same traps, cures and earlier steps again.

    Raises MissingFault when the cloud cannot be had again, NotAgain when it does not get as far this time.
    """
    brought = _bring(laboratory, task, run.report.manifest.cloud, directory, say)
    say(f"taking it to where {run.step.step} began")
    with EventLog(directory.events) as events:
        runner = dataclasses.replace(
            runner_of(task, directory, events),
            checks=(),
            until=run.step.step,
            moving=ServerMoves(task.plan, laboratory.others),
        )
        ran = runner.go(brought.cloud)
    early = [step for step in ran.result.failed if step.service == run.step.service]
    if ran.result.refused or early:
        said = ran.result.refused or f"{early[0].step}: {'; '.join(early[0].problems)}"
        raise NotAgain(f"this time the run did not even get to {run.step.step}", evidence=said)
    return ran.cloud


def _bring(laboratory: Laboratory, task: Task, cloud: str, directory: RunDirectory, say: Say) -> Brought:
    cache = CloudCache(cache_directory() / "clouds")
    digest = cloud.partition(" ")[0]  # what follows says how many times it was multiplied
    if task.dumps or not cache.has(digest):
        brought = bring(task, laboratory, directory, say)
        if not task.dumps and brought.origin != cloud:
            raise MissingFault(
                f"the seeded cloud of that run ({cloud}) is no longer in the cache, and cannot be seeded again: "
                f"what it is made of has changed since (it would be {brought.origin})",
                hint="rehearse once more, and reproduce that run",
            )
        return brought
    cache.bring(laboratory.server, digest, SEEDED_SHELF)
    names = {d.name: d.name for d in task.plan.databases()}
    return dataclasses.replace(seeded(task, laboratory, directory, digest, names, say), origin=cloud)


def kept_databases(client: docker.DockerClient, kept: KeptDatabase, step: Step, out: Path) -> None:
    """Dump what ``--keep`` left up: the step's databases as they are after the failure.

    Raises MissingFault when nothing is up there any more.
    """
    for container in client.containers.list(filters={"label": RUN_LABEL}, ignore_removed=True):
        published = (container.ports or {}).get(f"{PORT}/tcp") or []
        if any(int(place["HostPort"]) == kept.port for place in published):
            with DatabaseServer(container, kept.port, kept.password) as server:
                write_dump(server, [kept.databases[d.name] for d in step.databases if d.name in kept.databases], out)
            return
    raise MissingFault(
        f"the database that the run kept is no longer running ({kept.host}:{kept.port})", hint="rehearse once more"
    )


def restored(laboratory: Laboratory, dump: Path, site: Site, step: Step, prefix: str) -> Cloud:
    """A cloud of the step's databases out of one dump that names them as they are called logically."""
    read = read_dump(dump)
    there = [section.name for section in read.sections]
    wanted = {d.name: d.name for d in step.databases if d.name in there}
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
    """Let the step run on a cloud that is where it begins; raises MissingFault when the server went away."""
    log.unlink(missing_ok=True)
    relocate(cloud, plan.first)
    result = step.run(cloud, log, config, instead=instead)
    if result.outcome is Outcome.FAILED:
        require_alive(cloud, result.diagnosis.error if result.diagnosis else "")
    return result
