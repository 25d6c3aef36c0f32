"""Conducting a whole rehearsal, from the engine to the report, once the command line's options are understood."""

from __future__ import annotations

import dataclasses
import datetime
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from osupgrade import __version__
from osupgrade.catalog.running import Level
from osupgrade.catalog.site import Site
from osupgrade.checks import load_checks
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.fingerprint import fingerprint, row_counts, volume
from osupgrade.cloud.laboratory import (
    Laboratory,
    Say,
    open_laboratory,
    prepare_seeded,
    restore_dumps,
    restore_lane,
    with_arrivals,
)
from osupgrade.dump.read import Dump
from osupgrade.history.inputs import host_digest, input_digest
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.connect import adopt_context
from osupgrade.lab.relay import elsewhere
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.events import EventLog, Kind
from osupgrade.model.finding import Finding
from osupgrade.model.findings import settled
from osupgrade.model.host import Host
from osupgrade.model.plan import Plan
from osupgrade.model.report import KeptDatabase, LaneResult, Manifest, RunReport, StagedFinding, State
from osupgrade.model.stage import VERIFY
from osupgrade.rehearsal.estimate.measure import Measuring, Meter, durable_options
from osupgrade.rehearsal.repeat import Again
from osupgrade.rehearsal.runner import MayCure, Rehearsal
from osupgrade.rehearsal.strategy import Departure
from osupgrade.rehearsal.survey import Surveyor
from osupgrade.scenarios.contract import Scenario
from osupgrade.schema.snapshot import ddl
from osupgrade.seed.description import CloudDescription
from osupgrade.seed.scale import copied_from, scale, site_of_copies
from osupgrade.verify.census import Census
from osupgrade.verify.verification import Verification, take_census, verify

LARGE = 100
"""From this scale on the database's files lie on disk and not in memory."""


@dataclass(frozen=True)
class Request:
    """What is to be rehearsed. ``known`` are all scenarios whose preflights may look; ``injected`` those put in.

    ``dumps`` are an operator's; without any, the cloud is seeded from ``description`` and multiplied by ``factor``.
    ``told`` are findings about the dumps' files. ``level`` is how far the last release's APIs are asked, None for not
    at all; ``fast`` asks them without a message broker.
    """

    plan: Plan
    site: Site
    description: CloudDescription
    known: Sequence[Scenario]
    injected: Sequence[Scenario]
    may_cure: MayCure
    naive: bool = False
    dumps: Sequence[Dump] = ()
    told: Sequence[Finding] = ()
    factor: int = 1
    database: str = "auto"
    level: Level | None = "smoke"
    fast: bool = False
    jobs: int = 5
    keep: bool = False
    new_database: str = ""
    """Where the cloud is moved to a new controller: its database image; ``database`` is then the old one's."""
    rollback: bool = False
    """Whether a backup is taken, and its restore rehearsed."""
    estimating: Estimating | None = None
    """Whether to say how long it will take in production."""
    times: int = 1
    """How often the same cloud is taken along the path; it must end the same every time."""


@dataclass(frozen=True)
class Estimating:
    """What an estimate is asked for: the seeded cloud at ``scale``, or the dumps as they are.

    ``host`` is the operator's controller, where he measured it.
    """

    scale: int = 1
    host: Host | None = None


@dataclass(frozen=True)
class Brought:
    """A cloud in the database, before anything was done to it, and where it came from."""

    cloud: Cloud
    origin: str
    told: tuple[Finding, ...] = ()
    unscaled: Mapping[str, int] = field(default_factory=dict)
    """Rows by ``database.table`` before the cloud was multiplied; empty when it was not."""


def conduct(request: Request, run: RunDirectory, events: EventLog) -> RunReport:
    """Rehearse, and judge the outcome; the evidence goes into the run directory as it arises.

    Raises Fault for what is not the cloud's doing. Leaving removes everything that was started, unless it is kept.
    """
    started, began = time.monotonic(), now()
    if request.keep:
        require_reachable()

    def say(text: str) -> None:
        events.tell(Kind.LAB, text)

    def how_far(text: str) -> None:
        events.tell(Kind.PROGRESS, text)

    def rehearse(cloud: Cloud, run: RunDirectory, events: EventLog) -> Rehearsal:
        return Rehearsal(
            plan=request.plan,
            cloud=cloud,
            run=run,
            events=events,
            known=[s for s in request.known if s.applies(request.plan)],
            injected=request.injected,
            checks=tuple(load_checks().values()),
            may_cure=request.may_cure,
            lane="naive" if request.naive else "cured",
            jobs=1 if request.estimating else request.jobs,
        )

    def measure(plan: Plan, cloud: Cloud, run: RunDirectory, events: EventLog) -> Rehearsal:
        injected = [s for s in request.injected if set(s.services) <= set(plan.services)]
        return dataclasses.replace(rehearse(cloud, run, events), plan=plan, injected=injected, checks=(), jobs=1)

    estimating = request.estimating
    if estimating:
        # Else there is nothing left of which a preparation could show what it saves.
        prepared = {p.cured for p in request.plan.first.preparations if p.service in request.plan.services}
        may_cure = request.may_cure
        request = dataclasses.replace(request, may_cure=lambda name: name not in prepared and may_cure(name))
    memory = not request.dumps and request.factor < LARGE and not estimating
    with open_laboratory(
        request.plan,
        say,
        database=request.database,
        new=request.new_database,
        durable=bool(estimating),
        memory=memory,
        options=durable_options if estimating else None,
    ) as laboratory:
        brought = bring(request, laboratory, run, say, how_far)
        measuring = Measuring(laboratory, request.site, run, measure, say)
        meter = Meter(laboratory.server)
        if estimating:
            measuring.keep(brought.cloud)
            events.listen(meter.told)
        before = volume(brought.cloud)
        surveyor = Surveyor(request.plan)
        census = census_before(request, laboratory, brought.cloud, run, say)
        again = Again(laboratory, brought.cloud, run, rehearse, sum(before.bytes.values()))
        if request.times > 1:
            again.keep()
        departure = Departure(laboratory, request.rollback, say)
        rehearsal = dataclasses.replace(
            rehearse(brought.cloud, run, events),
            departure=departure.leave,
            keep_schema=lambda cloud, name: ddl(cloud.server, cloud.databases[name]),
            told_before=(*request.told, *brought.told),
            surveyor=surveyor.look,
        )
        result = rehearsal.go()
        cloud = rehearsal.cloud
        # Taken before the APIs are asked: their questions themselves insert rows.
        after = volume(cloud)
        prints = fingerprint(cloud, sum(after.bytes.values()), request.plan.releases)
        schemas, differences = surveyor.judge(cloud, result)
        differs = again.repeat(request.times, prints, result, say) if not result.refused else ()
        lost = departure.look_back()
        verification = ask_apis(request, laboratory, cloud, run, say, result, census)
        estimate = None
        if estimating and not result.failed and not result.refused:
            main = meter.measured(1 if request.dumps else request.factor, result.steps)
            description = None if request.dumps else request.description
            estimate = measuring.estimate(brought.cloud, main, description, estimating.scale, estimating.host)
        found = tuple(StagedFinding(VERIFY, f, State.STANDING) for f in (*differs, *lost, *verification.findings))
        result = dataclasses.replace(result, findings=(*result.findings, *differences, *found))
        return RunReport(
            kind="rehearsal",
            manifest=dataclasses.replace(
                manifest(laboratory, request.plan, brought.origin, request.site, began),
                input=input_of(request, laboratory, brought.origin, result),
            ),
            exit_status=Exit.CAME_THROUGH if result.came_through else Exit.DID_NOT,
            verdict=sentence(result, request.plan),
            next_command=next_command(result, run, sys.argv[1:]),
            seconds=time.monotonic() - started,
            result=result,
            api=verification.calls,
            schemas=schemas,
            rows=side_by_side(unscaled=brought.unscaled, seeded=before.rows, verify=after.rows),
            sizes=side_by_side(seeded=before.bytes, verify=after.bytes),
            invariants={check.name: check.title for check in load_checks().values()},
            level=request.level or "",
            times=request.times,
            strategy=departure.told(),
            hashes=prints.hashes,
            contents=prints.contents,
            estimate=estimate,
            kept=keep(laboratory, cloud) if request.keep else None,
        )


def bring(request: Request, laboratory: Laboratory, run: RunDirectory, say: Say, how_far: Say | None = None) -> Brought:
    """Put the wanted cloud into the database: the dumps restored, or the seeded one out of its shelf."""
    logs = run.path / "logs"
    if request.dumps:
        restored = restore_dumps(laboratory.server, request.dumps, say, how_far)
        origin = ", ".join(f"{name} sha256:{digest}" for name, digest in restored.sha256.items())
        databases = with_arrivals(laboratory, restored.databases)
        return Brought(laboratory.cloud(request.site, "main", databases, logs), origin, restored.findings)
    origin, shelved = prepare_seeded(laboratory, request.description, logs, say)
    plan = request.plan
    wanted = {d.name for d in plan.databases()}
    databases = restore_lane(laboratory, {name: saved for name, saved in shelved.items() if name in wanted}, "")
    databases = with_arrivals(laboratory, databases)
    cloud = laboratory.cloud(request.site, "main", databases, logs)
    if request.factor == 1:
        return Brought(cloud, origin)
    # Here and not before the cloud is cached: copying in the server is faster than restoring a dump of all copies.
    say(f"multiplying the cloud by {request.factor}")
    unscaled = row_counts(cloud)
    scale(laboratory.server.engine, plan.first.seed, databases, request.factor, say)
    return Brought(cloud, f"{origin} times {request.factor}", unscaled=unscaled)


def census_before(request: Request, laboratory: Laboratory, cloud: Cloud, run: RunDirectory, say: Say) -> Census | None:
    """What the first release's own APIs show of the cloud, for the full tour to compare with."""
    if request.level != "full" or request.injected:
        return None
    return take_census(
        cloud, laboratory.lab, laboratory.workshop, request.plan, run.path, say, password_of=_passwords(request)
    )


def ask_apis(
    request: Request,
    laboratory: Laboratory,
    cloud: Cloud,
    run: RunDirectory,
    say: Say,
    result: LaneResult,
    before: Census | None,
) -> Verification:
    """Use the upgraded cloud through its real APIs; an empty answer when it is not wanted or the path was not ended."""
    if request.level is None or result.failed or result.refused:
        return Verification(request.plan.last.name, "smoke")
    return verify(
        dataclasses.replace(cloud, site=site_of_copies(cloud.site, request.factor)),
        laboratory.lab,
        laboratory.workshop,
        request.plan,
        request.level,
        run.path,
        say,
        password_of=_passwords(request),
        before=before,
        fast=request.fast,
    )


def _passwords(request: Request) -> Callable[[str], str | None]:
    # A seeded cloud's users have their names for passwords, of which copies have copies; a dump does not say.
    if request.dumps:
        return lambda _user: None
    return copied_from if request.factor > 1 else str


def manifest(laboratory: Laboratory, plan: Plan, origin: str, site: Site, started: str) -> Manifest:
    """What this run is made of; ``started`` is when it began, as :func:`now` gives it."""
    commits = {
        part.step: part.code
        for release in plan.releases
        for part in release.services.values()
        if part.service in plan.services
    }
    client = laboratory.lab.client
    return dataclasses.replace(
        blank_manifest(started),
        database=f"{laboratory.new_database or laboratory.database}: {(laboratory.new or laboratory.server).version}",
        images={name: f"{tag} {client.images.get(tag).id}" for name, tag in laboratory.images.items()},
        commits=commits,
        cloud=origin,
        site=dataclasses.asdict(site),
        host=host_digest(client.info()),
    )


def blank_manifest(started: str) -> Manifest:
    """A manifest that says by which command and when, and of nothing yet what it was made of."""
    return Manifest(
        osupgrade=__version__,
        command="osupgrade " + shlex.join(sys.argv[1:]),
        started=started,
        database="",
        images={},
        commits={},
        cloud="",
        site={},
        directory=str(Path.cwd()),
    )


def now() -> str:
    """The time as a manifest has it: UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def input_of(request: Request, laboratory: Laboratory, origin: str, result: LaneResult) -> str:
    """The digest by which later runs know that they are of the same input; see ``history.inputs``."""
    names = [*request.plan.path.releases, laboratory.database, *filter(None, [laboratory.new_database])]
    used = {*result.injected, *(s.finding.source for s in result.findings if s.state is State.CURED)}
    return input_digest(
        plan=request.plan,
        images={name: laboratory.images[name] for name in names},
        origin=origin,
        site=request.site,
        naive=request.naive,
        scenarios=[s for s in request.known if s.name in used],
        more={"new": laboratory.new_database} if laboratory.new else {},
    )


def side_by_side(**stages: Mapping[str, int]) -> Mapping[str, Mapping[str, int]]:
    """Measurements as the report shows them: by table, then by stage."""
    tables = sorted({table for rows in stages.values() for table in rows})
    return {table: {stage: rows[table] for stage, rows in stages.items() if table in rows} for table in tables}


def require_reachable() -> None:
    """Raise UsageFault when the engine is elsewhere: a database that is left up there cannot be reached from here."""
    adopt_context()
    if machine := elsewhere():
        raise UsageFault(
            f"--keep would leave the database up on {machine}, where it can be reached while this command runs only",
            hint=f"rehearse without --keep, or on {machine} itself",
        )


def keep(laboratory: Laboratory, cloud: Cloud) -> KeptDatabase:
    """Leave everything up; how to reach the database."""
    laboratory.lab.leave_running()
    login = cloud.lab_server.admin
    return KeptDatabase(login.host, login.port, login.user, login.password, dict(cloud.databases))


def sentence(result: LaneResult, plan: Plan) -> str:
    """The verdict in one sentence."""
    if result.refused:
        return "the cloud could not be set up"
    if result.came_through:
        return f"the cloud came through from {plan.first.name} to {plan.end}"
    parts = []
    if result.failed:
        parts.append(f"it stopped at {', '.join(step.step for step in result.failed)}")
    if result.standing:
        errors = len(settled(result.standing))
        parts.append(f"{errors} error{'s stand' if errors > 1 else ' stands'}")
    return f"the cloud did not come through: {' and '.join(parts)}"


def next_command(result: LaneResult, run: RunDirectory, command: Sequence[str]) -> str:
    """What the operator does next; ``command`` are the words of the one that he gave."""
    if result.came_through:
        return f"osupgrade report {run.path} --runbook"
    curable = sorted({s.finding.source for s in result.standing if s.finding.cure})
    if curable:
        return f"{curing(command, curable)}  (the cures are in {run.path}/report.html)"
    failed = result.failed
    return f"read {run.path}/logs/{failed[0].log}" if failed else f"read {run.path}/report.html"


def curing(command: Sequence[str], cures: Sequence[str]) -> str:
    """The same rehearsal as ``command`` with these cures; of another command, as a nightly, the cures alone."""
    words = []
    rest = iter(command[1:] if command[:1] == ["rehearse"] else ())
    for word in rest:
        if word == "--cure":
            next(rest, None)
        elif word not in ("--naive", "--no-cure") and not word.startswith("--cure="):
            words.append(word)
    return shlex.join(["osupgrade", "rehearse", *words, "--cure", ",".join(cures)])
