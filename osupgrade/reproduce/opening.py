"""Opening what is reproduced: a failed run from its directory, or an archive that was packed elsewhere."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from osupgrade.catalog.releases import plan_named
from osupgrade.cloud.laboratory import Laboratory, Say, open_laboratory
from osupgrade.cloud.route import Step, find_step
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.images import load_recipes
from osupgrade.model.errors import MissingFault, UsageFault
from osupgrade.model.plan import Plan
from osupgrade.rehearsal.prepare import Task, load
from osupgrade.rehearsal.request import read_request
from osupgrade.reproduce.archive import Packed, unpack
from osupgrade.reproduce.rerun import (
    IN_MEMORY,
    FailedRun,
    in_memory,
    kept_databases,
    lead_there,
    replacement,
    require_same,
    require_there,
    restored,
)
from osupgrade.reproduce.subject import Subject
from osupgrade.scenarios.contract import Instead, Lane, Scenario
from osupgrade.scenarios.loading import ScenarioSet


@contextlib.contextmanager
def opened_run(run: FailedRun, dumps: Sequence[Path], say: Say) -> Iterator[tuple[Laboratory, Subject]]:
    """The laboratory with the run's cloud where its step began."""
    try:
        task = task_of(run, dumps)
        gone = None
    except MissingFault as fault:
        if run.kept is None:
            raise
        task, gone = task_of(run, (), with_dumps=False), fault
    request, plan = task.request, task.plan
    step = find_step(plan, run.step.step)
    lane: Lane = "naive" if request.naive else "cured"
    name, instead = replacement(task.injected, lane, step.name)
    with (
        tempfile.TemporaryDirectory(prefix="osupgrade-reproduce-") as scratch,
        open_laboratory(plan, say, database=request.database, memory=in_memory(task)) as laboratory,
    ):
        if gone is None:
            directory = RunDirectory.make(Path(scratch), "leading-there")
            cloud = lead_there(laboratory, task, run, directory, say)
            laboratory = laboratory.at(cloud.server)
            origin = _origin(run.report.manifest.cloud)
        else:
            assert run.kept is not None
            say(f"{gone.message}; using the database that --keep left running, with the cloud after the failure")
            kept = Path(scratch) / "kept.sql"
            kept_databases(laboratory.lab.client, run.kept, step, kept)
            laboratory = laboratory.at(laboratory.others.get(run.server, laboratory.server))
            cloud = restored(laboratory, kept, request.site, step, "")
            origin = "the database that --keep left running, after the failure"
        yield (
            laboratory,
            Subject(
                plan=plan,
                step=step,
                cloud=cloud,
                failure=run.failure,
                origin=origin,
                lane=lane,
                instead=instead,
                instead_of=name,
                hints=run.hints,
                places=run.places,
                found_by=_found_by(run, task.known),
            ),
        )


def _found_by(run: FailedRun, known: Sequence[Scenario]) -> tuple[str, ...]:
    assert run.report.result is not None
    titles = {scenario.name: scenario.title for scenario in known}
    spoke = {
        staged.finding.source
        for staged in run.report.result.unresolved
        if staged.finding.service == run.step.service and staged.finding.source in titles
    }
    return tuple(f"{name}: {titles[name]}" for name in sorted(spoke))


def _origin(cloud: str) -> str:
    """Where the cloud came from, without the names of an operator's files."""
    digests = re.findall(r"sha256:[0-9a-f]{64}", cloud)
    return f"dumps {', '.join(digests)}" if digests else f"seeded cloud {cloud}"


def task_of(run: FailedRun, dumps: Sequence[Path], *, with_dumps: bool = True) -> Task:
    """The run's request, as its manifest keeps it, loaded again; ``dumps`` replace its dumps.

    What a run measures besides is not done again. Raises MissingFault when a dump is gone or has changed, UsageFault
    when the manifest holds no request, or one of another osupgrade.
    """
    recorded = run.report.manifest
    assert run.report.result is not None
    if not recorded.request:
        raise UsageFault(
            f"the manifest of that run holds no request; it was made by `{recorded.command}`",
            hint="reproduce a run that this version of `osupgrade rehearse` made",
        )
    request = read_request(recorded.request, f"{run.name}/manifest.json")
    place = Path(recorded.directory)
    wanted = tuple(dumps) or tuple(place / dump for dump in request.dumps)
    require_there(wanted if with_dumps else ())
    task = load(
        request.changed(
            services=run.report.result.services,
            dumps=wanted if with_dumps else (),
            own_scenarios=tuple(place / directory for directory in request.own_scenarios),
            database=recorded.database.partition(":")[0],
            new_database="",
            estimate=None,
            rollback=False,
            times=1,
            keep=False,
        )
    )
    require_same(recorded.cloud, task.dumps)
    return task


@contextlib.contextmanager
def opened_archive(archive: Path, found: ScenarioSet, say: Say) -> Iterator[tuple[Laboratory, Subject]]:
    """The laboratory with an archive's cloud in it, for shrinking."""
    with tempfile.TemporaryDirectory(prefix="osupgrade-reproduce-") as scratch:
        packed = unpack(archive, Path(scratch))
        plan, step, instead = plan_of(packed, found)
        with open_laboratory(plan, say, database=packed_database(packed), memory=is_small(packed)) as laboratory:
            cloud = restored(laboratory, packed.dump, packed.site, step, "")
            facts = packed.facts
            yield (
                laboratory,
                Subject(plan, step, cloud, facts.failure, facts.origin, facts.lane, instead, facts.instead),
            )


def plan_of(packed: Packed, found: ScenarioSet) -> tuple[Plan, Step, Instead | None]:
    """The plan and the step that an archive names, and what ran in place of the tool, if anything did."""
    facts = packed.facts
    try:
        plan = plan_named(facts.path, [facts.service])
        step = find_step(plan, facts.failure.step)
    except UsageFault as fault:
        raise MissingFault(
            f"this version of osupgrade cannot do what the archive needs: {fault.message}",
            hint="use the version of osupgrade that packed it",
        ) from fault
    if not facts.instead:
        return plan, step, None
    if facts.instead not in found.scenarios:
        raise MissingFault(
            f"in the packed run the scenario {facts.instead}, which is not here, did {step.name} in place of the "
            "release's own tool",
            hint="name its directory with --scenarios",
        )
    lane: Lane = "naive" if facts.lane == "naive" else "cured"
    return plan, step, replacement([found.scenarios[facts.instead]], lane, step.name)[1]


def packed_database(packed: Packed) -> str:
    """The database image on which the archive was packed."""
    name = packed.facts.server.partition(":")[0]
    if name not in load_recipes():
        raise MissingFault(
            f"there is no database image {name!r} here", hint="use the version of osupgrade that packed it"
        )
    return name


def is_small(packed: Packed) -> bool:
    """Whether the packed databases may be kept in memory."""
    return packed.dump.stat().st_size < IN_MEMORY
