"""``osupgrade reproduce``: pack a failing run, replay it elsewhere, or shrink it to the few rows that it takes."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import re
import shlex
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from osupgrade.catalog.site import site_from
from osupgrade.cli import rehearse as rehearsing
from osupgrade.cli.options import MoreScenarios, Quiet, all_scenarios, plan_from
from osupgrade.cloud.laboratory import Laboratory, Say, choose_database, open_laboratory
from osupgrade.dump.policy import load_policy
from osupgrade.dump.sanitize import read_key
from osupgrade.dump.write import check_output
from osupgrade.history.rundir import RunDirectory, find_run
from osupgrade.lab.connect import connect
from osupgrade.lab.images import load_recipes
from osupgrade.model.errors import Exit, MissingFault, UsageFault
from osupgrade.model.plan import Plan
from osupgrade.model.report import LaneResult, RunReport
from osupgrade.model.step import Outcome, StepResult
from osupgrade.rehearsal.conduct import Request, manifest, now
from osupgrade.report import write_reports
from osupgrade.reproduce.archive import Packed, unpack
from osupgrade.reproduce.failure import Failure, failure_of
from osupgrade.reproduce.rerun import (
    IN_MEMORY,
    FailedRun,
    NotAgain,
    Step,
    find_step,
    in_memory,
    kept_databases,
    lead_there,
    read_failed,
    replacement,
    restored,
    same_dumps,
)
from osupgrade.reproduce.scenario_writer import check_directory
from osupgrade.reproduce.work import Masking, Subject, pack_subject, replay, shrink_subject, unlike
from osupgrade.scenarios.contract import Instead, Lane, Scenario, ScenarioSet


def reproduce(
    what: Annotated[str, typer.Argument(help="A run that failed (a directory, or a name below runs), or an archive.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The archive, or with --shrink the scenario directory, to write.")
    ] = None,
    shrink: Annotated[bool, typer.Option("--shrink", help="Leave out all that the error does not need.")] = False,
    step: Annotated[str, typer.Option("--step", help="Which failed step, where several failed.")] = "",
    dump: Annotated[
        list[Path] | None, typer.Option("--dump", help="Where the run's dump is now, if it was moved.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="The key for the masks; without it, one that nobody knows.")
    ] = None,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="Hide nothing: for use in the house.")] = False,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="Time for shrinking rows.")] = 10.0,
    runs: Annotated[Path, typer.Option("--runs", help="Where run directories lie.")] = Path("runs"),
    more: MoreScenarios = None,
    quiet: Quiet = False,
) -> int:
    """Pack a failing run into an archive that fails elsewhere in the same way; given the archive, let it fail there.

    With `--shrink`, leave out databases, tables and rows as long as the error stays the same, and write what is left as
    a scenario. What is written is masked, and was seen to fail.

    Examples: `osupgrade reproduce runs/latest -o failing.tar.gz`, `osupgrade reproduce failing.tar.gz`,
    `osupgrade reproduce runs/latest --shrink -o mine/our-trap`
    """
    console = Console(highlight=False)

    def say(text: str) -> None:
        if not quiet:
            console.print(text, markup=False, soft_wrap=True)

    if key_file and unmasked:
        raise UsageFault("--unmasked hides nothing, so it takes no --key-file")
    masking = None if unmasked else Masking(read_key(key_file), load_policy()) if key_file else Masking.random()
    found = all_scenarios(more)
    if Path(what).is_file():
        if not shrink:
            if out or dump or step or key_file or unmasked:
                raise UsageFault("an archive is replayed as it is: -o, --dump, --step and masks are for packing one")
            return _replay(Path(what), found, runs, console, say)
        with _archived(Path(what), found, say) as (laboratory, subject):
            return _shrink(laboratory, subject, out, masking if not unmasked else None, minutes, found, console, say)
    run = read_failed(find_run(what, runs), step)
    target = out or (Path("shrunk") / _name(run.failure) if shrink else Path(f"{run.name}.tar.gz"))
    check_directory(target) if shrink else check_output(target)
    with _begun(run, dump or (), say) as (laboratory, subject):
        if shrink:
            return _shrink(laboratory, subject, target, masking, minutes, found, console, say)
        failure = pack_subject(laboratory, subject, target, masking, say)
    console.print(f"{failure}", markup=False, soft_wrap=True)
    hidden = "masked" if masking else "NOT masked"
    console.print(
        f"wrote {target} ({target.stat().st_size / 1e6:.1f} MB, {hidden}); try it: osupgrade reproduce {target}",
        markup=False,
        soft_wrap=True,
    )
    return Exit.CAME_THROUGH


@contextlib.contextmanager
def _begun(run: FailedRun, dumps: Sequence[Path], say: Say) -> Iterator[tuple[Laboratory, Subject]]:
    """The laboratory with the run's cloud where its step began."""
    try:
        request = request_of(run, dumps)
        gone = None
    except MissingFault as fault:
        if run.kept is None:
            raise
        request, gone = request_of(run, (), with_dumps=False), fault
    plan = request.plan
    step = find_step(plan, run.step.step)
    lane: Lane = "naive" if request.naive else "cured"
    name, instead = replacement(request.injected, lane, step.name)
    with (
        tempfile.TemporaryDirectory(prefix="osupgrade-reproduce-") as scratch,
        open_laboratory(plan, say, database=request.database, memory=in_memory(request)) as laboratory,
    ):
        if gone is None:
            directory = RunDirectory.make(Path(scratch), "leading-there")
            cloud = lead_there(laboratory, request, run, directory, say)
            origin = _origin(run.report.manifest.cloud)
        else:
            assert run.kept is not None
            say(f"{gone.message}; taking what --keep left up, which is the cloud after the failure")
            kept = Path(scratch) / "kept.sql"
            kept_databases(laboratory.lab.client, run.kept, step, kept)
            cloud = restored(laboratory, kept, request.site, step.databases, "")
            origin = "what --keep left up after the failure"
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
                told=_told(run, request.known),
            ),
        )


def _told(run: FailedRun, known: Sequence[Scenario]) -> tuple[str, ...]:
    assert run.report.result is not None
    titles = {scenario.name: scenario.title for scenario in known}
    spoke = {
        staged.finding.source
        for staged in run.report.result.standing
        if staged.finding.service == run.step.service and staged.finding.source in titles
    }
    return tuple(f"{name}: {titles[name]}" for name in sorted(spoke))


def _origin(cloud: str) -> str:
    """Where the cloud came from, without the names of an operator's files."""
    digests = re.findall(r"sha256:[0-9a-f]{64}", cloud)
    return f"dumps {', '.join(digests)}" if digests else f"seeded cloud {cloud}"


def _name(failure: Failure) -> str:
    stands = "-".join(v for versions in failure.stands.values() for v in versions) or "nothing"
    return re.sub(r"[^a-z0-9]+", "-", f"{failure.step.replace('/', '-')}-stops-at-{stands}".lower()).strip("-")


def request_of(run: FailedRun, dumps: Sequence[Path], *, with_dumps: bool = True) -> Request:
    """What the run's own command asked for, on the cloud and the site that it had; ``dumps`` replace its dumps.

    Raises MissingFault when a dump is gone or has changed, UsageFault when the command is none of this osupgrade.
    """
    from osupgrade.cli import cure_spelled_out  # this module is part of what that one puts together

    recorded = run.report.manifest
    assert run.report.result is not None
    words = shlex.split(recorded.command)[1:]
    place = Path(recorded.directory)
    parser = typer.Typer(add_completion=False)
    parser.command("rehearse")(_understood)
    try:
        with contextlib.chdir(place) if place.is_dir() else contextlib.nullcontext():
            if words[:1] != ["rehearse"]:
                raise UsageFault(f"that run was not made by `osupgrade rehearse` but by `{recorded.command}`")
            given = parser(args=cure_spelled_out(words)[1:], standalone_mode=False)
            known = {"path": run.report.result.path, "site": None, "dump": None}
            request = rehearsing.request_for(**given | known)
            paths = [path.resolve() for path in given["dump"] or ()]
    except typer.TyperException as fault:
        raise UsageFault(
            f"the command of that run is none of this osupgrade: {fault.format_message()}",
            hint=f"it was: {recorded.command}",
        ) from fault
    if with_dumps and (dumps or paths):
        request = dataclasses.replace(request, dumps=same_dumps(recorded.cloud, list(dumps) or paths))
    site: dict[str, Any] = {**recorded.site}
    site["migrations"] = dict(site.get("migrations", ()))
    return dataclasses.replace(
        request,
        plan=plan_from(run.report.result.path, ",".join(run.report.result.services)),
        site=site_from(site, "the run's manifest"),
        database=recorded.database.partition(":")[0],
        keep=False,
    )


@functools.wraps(rehearsing.rehearse)
def _understood(**options: Any) -> dict[str, Any]:
    """The options of ``osupgrade rehearse``, as its own parser understands them, for ``request_for``."""
    options["naive"] = options["naive"] or options["no_cure"]
    # What a run measures besides is not done again.
    options |= {"estimating": None, "rollback": False, "times": 1}
    return {name: options[name] for name in inspect.signature(rehearsing.request_for).parameters if name in options}


@contextlib.contextmanager
def _archived(archive: Path, found: ScenarioSet, say: Say) -> Iterator[tuple[Laboratory, Subject]]:
    """The laboratory with an archive's cloud in it, for shrinking."""
    with tempfile.TemporaryDirectory(prefix="osupgrade-reproduce-") as scratch:
        packed = unpack(archive, Path(scratch))
        plan, step, instead = _plan_of(packed, found)
        with open_laboratory(plan, say, database=_database(packed), memory=_small(packed)) as laboratory:
            cloud = restored(laboratory, packed.dump, packed.site, step.databases, "")
            facts = packed.facts
            yield (
                laboratory,
                Subject(plan, step, cloud, facts.failure, facts.origin, facts.lane, instead, facts.instead),
            )


def _plan_of(packed: Packed, found: ScenarioSet) -> tuple[Plan, Step, Instead | None]:
    facts = packed.facts
    try:
        plan = plan_from(facts.path, facts.service)
        step = find_step(plan, facts.failure.step)
    except UsageFault as fault:
        raise MissingFault(
            f"this osupgrade cannot do what the archive needs: {fault.message}",
            hint="take the osupgrade that packed it",
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


def _database(packed: Packed) -> str:
    name = packed.facts.server.partition(":")[0]
    if name not in load_recipes():
        raise MissingFault(f"there is no database image {name!r} here", hint="take the osupgrade that packed it")
    return name


def _small(packed: Packed) -> bool:
    return packed.dump.stat().st_size < IN_MEMORY


def _replay(archive: Path, found: ScenarioSet, runs: Path, console: Console, say: Say) -> int:
    """Let an archive's step fail here; the evidence is a run directory of its own."""
    started, began = time.monotonic(), now()
    with tempfile.TemporaryDirectory(prefix="osupgrade-reproduce-") as scratch:
        packed = unpack(archive, Path(scratch))
        plan, step, instead = _plan_of(packed, found)
        database = choose_database(connect(), plan, _database(packed), say)
        others = unlike(packed, step, database)
        run = RunDirectory.make(runs, "reproduce")
        with (
            run.told_when_stopped("this replay"),
            open_laboratory(plan, say, database=database, memory=_small(packed)) as laboratory,
        ):
            say(f"running {step.name} on what was packed")
            result = replay(laboratory, packed, plan, step, instead, run)
            sentence, status = _judged(result, packed, laboratory)
            report = RunReport(
                kind="rehearsal",
                manifest=manifest(
                    laboratory, plan, f"archive {archive.name}: {packed.facts.origin}", packed.site, began
                ),
                exit_status=status,
                verdict=sentence,
                next_command=f"osupgrade reproduce {archive} --shrink" if status == Exit.CAME_THROUGH else "",
                seconds=time.monotonic() - started,
                result=LaneResult(plan.path.name, plan.services, (result,), (), result.seconds, planned=(step.name,)),
                notes=others,
            )
        write_reports(report, run)
        run.finish()
    for other in others:
        console.print(f"otherwise than where it was packed: {other}", markup=False, soft_wrap=True)
    console.print(sentence, markup=False, soft_wrap=True)
    console.print(f"evidence: {run.path}/report.html", markup=False, soft_wrap=True)
    return status


def _judged(result: StepResult, packed: Packed, laboratory: Laboratory) -> tuple[str, Exit]:
    wanted = packed.facts.failure
    if result.outcome is not Outcome.FAILED:
        return f"not reproduced: {wanted.step} comes through here; expected {wanted}", Exit.DID_NOT
    got = failure_of(result, laboratory.server.databases())
    if got == wanted:
        return f"reproduced: {got}", Exit.CAME_THROUGH
    return f"not reproduced: it fails in another way; expected {wanted}; got {got}", Exit.DID_NOT


def _shrink(
    laboratory: Laboratory,
    subject: Subject,
    out: Path | None,
    masking: Masking | None,
    minutes: float,
    found: ScenarioSet,
    console: Console,
    say: Say,
) -> int:
    if subject.instead:
        raise UsageFault(
            f"the scenario {subject.instead_of} did {subject.step.name} in place of the release's own tool: there is "
            "nothing to shrink",
            hint=f"osupgrade scenarios run {subject.instead_of}",
        )
    directory = out or Path("shrunk") / _name(subject.failure)
    check_directory(directory)
    done = shrink_subject(laboratory, subject, directory, masking, minutes, tuple(found.scenarios.values()), say)
    console.print(f"{done.failure}", markup=False, soft_wrap=True)
    short = "" if done.shrunk.complete else "; time ran out, perhaps fewer would do (--minutes)"
    console.print(
        f"{done.rows_before} rows became {done.left.contents}, after {done.shrunk.trials} trials and "
        f"{done.seconds:.0f} s{short}",
        markup=False,
        soft_wrap=True,
    )
    command = f"osupgrade scenarios run {directory.name} --scenarios {directory.parent} --lane naive"
    if done.problems:
        raise NotAgain(
            f"wrote {directory}, but its naive lane does not show it: {done.problems[0]}",
            hint=command,
            evidence="\n".join(done.problems),
        )
    console.print(f"wrote {directory}; its naive lane bites: {command}", markup=False, soft_wrap=True)
    return Exit.CAME_THROUGH
