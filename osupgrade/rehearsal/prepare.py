"""From a request to a cloud in the database: load what the request names, then bring the cloud and look at it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osupgrade.catalog import content
from osupgrade.catalog.identity import likely_path
from osupgrade.catalog.releases import load_paths, load_releases, plan_named, usual_path
from osupgrade.checks import Check, load_checks
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.fingerprint import Volume, volume
from osupgrade.cloud.jumps import jump_findings
from osupgrade.cloud.laboratory import Laboratory, Say, require_database, restore_lane, with_arrivals
from osupgrade.cloud.restored import HowFar, restore_dumps
from osupgrade.dump.choose import read_dumps, version_of_server
from osupgrade.dump.holdings import Holding, holdings
from osupgrade.dump.read import Dump, Reading
from osupgrade.dump.start import check_start, release_of, versions_of
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.images import nearest
from osupgrade.lab.server_settings import set_up
from osupgrade.model.errors import UsageFault
from osupgrade.model.events import EventLog, Kind
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.plan import Plan, server_moves
from osupgrade.model.route import seeding_release
from osupgrade.rehearsal.apis import Apis
from osupgrade.rehearsal.cures import MayCure
from osupgrade.rehearsal.defaults import ASSUMED, SOURCE, OtherDefault, silent, usual_default
from osupgrade.rehearsal.estimate.measure import Estimate, Measuring
from osupgrade.rehearsal.foresight import Foresight
from osupgrade.rehearsal.fresh import Fresh
from osupgrade.rehearsal.phases import Phase
from osupgrade.rehearsal.repeat import Repeat
from osupgrade.rehearsal.request import Request
from osupgrade.rehearsal.runner import Runner
from osupgrade.rehearsal.servers import ServerMoves
from osupgrade.rehearsal.strategy import InPlace, NewController
from osupgrade.rehearsal.survey import Surveyor
from osupgrade.rehearsal.treated import shelved_cloud
from osupgrade.scenarios.contract import Scenario
from osupgrade.scenarios.loading import ScenarioSet, load_scenarios
from osupgrade.schema.reading import ddl
from osupgrade.seed.description import CloudDescription, load_description
from osupgrade.seed.scale import check_factor, copied_from, scale
from osupgrade.seed.seeder import load_seeder

CARRIED = "default"
"""As a scenario's name: all that the path carries when `make rehearse` runs it."""


@dataclass(frozen=True)
class Task:
    """A request with everything loaded that it names. ``request`` has the names as they were resolved."""

    request: Request
    plan: Plan
    description: CloudDescription
    known: tuple[Scenario, ...]
    """All scenarios whose preflights may look."""
    injected: tuple[Scenario, ...]
    checks: tuple[Check, ...]
    dumps: tuple[Dump, ...] = ()
    findings: tuple[Finding, ...] = ()
    """About the dumps' files."""

    @property
    def may_cure(self) -> MayCure:
        """Which findings may be cured. An estimate leaves what a preparation cures, to measure what that saves."""
        request = self.request
        if not request.estimate:
            return request.may_cure
        prepared = {p.cured for p in self.plan.first.preparations if p.service in self.plan.services}
        return lambda name: name not in prepared and request.may_cure(name)


@dataclass(frozen=True)
class Brought:
    """A cloud in the database, before anything was done to it, and where it came from."""

    cloud: Cloud
    origin: str
    findings: tuple[Finding, ...] = ()
    unscaled: Mapping[str, int] = field(default_factory=dict)
    """Rows by ``database.table`` before the cloud was multiplied; empty when it was not."""


@dataclass(frozen=True)
class Prepared:
    """A cloud that is ready to run, what runs on it, and what is to be judged besides."""

    task: Task
    laboratory: Laboratory
    brought: Brought
    before: Volume
    runner: Runner
    phases: tuple[Phase, ...]
    """In the order in which they are judged."""
    since: datetime.datetime
    """When the cloud was in the database: a later time in it was written by the rehearsal."""

    @property
    def cloud(self) -> Cloud:
        """The cloud as it was brought."""
        return self.brought.cloud


def load(request: Request, reading: Reading | None = None) -> Task:
    """Load everything that a request names; ``reading`` hears how far the dumps are read.

    Raises UsageFault for what cannot be. Nothing is started.
    """
    _refuse_contradictions(request)
    dumps = read_dumps(request.dumps, reading) if request.dumps else ()
    held = holdings(dumps) if dumps else ()
    path = request.path or (path_of(versions_of(held)) if held else usual_path())
    if path.startswith("-"):  # a route whose beginning is what the dumps are
        path = f"{release_of(versions_of(held)).name}{path}"
    services = request.services or (_owners(held, plan_named(path)) if held else ())
    plan = plan_named(path, services)
    if not dumps:
        _check_seed(plan, request.scale)
    found = all_scenarios(request.own_scenarios)
    injected = found.chosen([name for given in request.scenarios for name in _expand(given, plan)])
    if isinstance(request.cures, tuple):
        found.chosen(sorted(request.cures))
    said: dict[str, Any] = {k: v for scenario in injected for k, v in scenario.site.items()}
    said = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
    site = dataclasses.replace(request.site, **said)
    if request.new_database:
        request = _with_servers(request, plan)
    plan = _moving(request, plan, dumps)
    return Task(
        request=request.changed(path=path, services=tuple(services), site=site),
        plan=plan,
        description=request.description or load_description(None),
        known=found.applying(plan),
        injected=injected,
        checks=tuple(load_checks().values()),
        dumps=dumps,
        findings=(*(broken.finding for broken in found.broken), *(check_start(held, plan.releases) if dumps else ())),
    )


def path_of(versions: Mapping[str, Sequence[str]]) -> str:
    """The path that a cloud is on, by what the version tables of its services' databases hold."""
    releases = load_releases()
    paths = {name: [releases[release] for release in path.releases] for name, path in load_paths().items()}
    return likely_path(versions, paths)


def all_scenarios(own: Sequence[Path] = ()) -> ScenarioSet:
    """The lab's own scenarios and those in more directories."""
    return load_scenarios([content.scenarios(), *own])


def prepare(task: Task, laboratory: Laboratory, run: RunDirectory, events: EventLog) -> Prepared:
    """Bring the cloud into the database, note what it holds, and put together what runs on it."""

    def say(text: str) -> None:
        events.tell(Kind.LAB, text)

    request = task.request
    brought = bring(task, laboratory, run, say, lambda progress: events.tell(Kind.PROGRESS, str(progress)))
    since = datetime.datetime.now(datetime.UTC)
    undecided, usual = _undecided(task)
    cloud = dataclasses.replace(brought.cloud, assumed=dict.fromkeys(undecided, ASSUMED))
    brought = dataclasses.replace(brought, cloud=cloud)
    before = volume(brought.cloud)
    size = sum(before.bytes.values())
    bare = dataclasses.replace(runner_of(task, run, events), moving=ServerMoves(task.plan, laboratory.others))
    passwords = passwords_of(request)
    apis = Apis(laboratory, task.plan, request, bool(task.injected), run, say, passwords)
    estimate = _estimate(task, laboratory, bare, say)
    repeat = Repeat(bare, laboratory, request.times, size, say, since)
    surveyor = Surveyor(task.plan)
    foresight = Foresight(task.plan, surveyor)
    way = NewController(laboratory, say) if laboratory.new else InPlace(laboratory, request.rollback, say)
    timing: tuple[Phase, ...] = (estimate,) if estimate else ()
    default = OtherDefault(bare, undecided, usual, say)
    around: tuple[Phase, ...] = (*timing, apis, repeat, default)
    for phase in around:
        phase.before(brought.cloud)
    runner = dataclasses.replace(
        bare,
        arriving=(way, surveyor, foresight),
        keep_schema=lambda cloud, name: ddl(cloud.server, cloud.databases[name]),
        known_before=(*task.findings, *brought.findings, *jump_findings(task.plan, load_releases())),
    )
    fresh = Fresh(task.plan, run, say)
    phases = (surveyor, foresight, repeat, default, way, fresh, apis, *timing)
    return Prepared(task, laboratory, brought, before, runner, phases, since)


def _undecided(task: Task) -> tuple[tuple[str, ...], str]:
    """The databases whose default character set nobody says, and what it is where nobody chose it."""
    if not task.dumps or task.request.survey or task.request.estimate:
        return (), ""
    return silent(task.dumps), usual_default(version_of_server(task.dumps, task.request.survey))


def runner_of(task: Task, run: RunDirectory, events: EventLog) -> Runner:
    """What takes a cloud along the plan as the request wants it, and does nothing besides."""
    request = task.request
    return Runner(
        plan=task.plan,
        run=run,
        events=events,
        known=task.known,
        injected=task.injected,
        checks=task.checks,
        may_cure=task.may_cure,
        lane="naive" if request.naive else "cured",
        jobs=1 if request.estimate else request.jobs,
    )


def _estimate(task: Task, laboratory: Laboratory, bare: Runner, say: Say) -> Estimate | None:
    request = task.request
    if request.estimate is None:
        return None
    measuring = Measuring(laboratory, request.site, bare, say)
    description = None if request.dumps else task.description
    return Estimate(measuring, description, request.scale, request.factor, request.estimate.host)


def bring(task: Task, laboratory: Laboratory, run: RunDirectory, say: Say, progress: HowFar | None = None) -> Brought:
    """Put the wanted cloud into the database: the dumps restored, or the seeded one from its snapshot."""
    request, logs = task.request, run.path / "logs"
    if task.dumps:
        left = set_up(laboratory.server, request.survey) if request.survey else ()
        restored = laboratory.restored or restore_dumps(laboratory.server, task.dumps, say, progress, request.survey)
        origin = ", ".join(f"{name} sha256:{digest}" for name, digest in restored.sha256.items())
        databases = with_arrivals(laboratory, restored.databases)
        unset = tuple(Finding(SOURCE, Severity.WARNING, "", "the lab's server", words) for words in left)
        cloud = laboratory.cloud(request.site, "main", databases, logs)
        return Brought(cloud, origin, (*restored.findings, *unset))
    origin, shelved = shelved_cloud(laboratory, task.description, logs, say)
    return seeded(task, laboratory, run, origin, shelved, say)


def _check_seed(plan: Plan, factor: int) -> None:
    """Raise UsageFault where no cloud can be made at the plan's first release, or not one that large."""
    seeding = seeding_release(load_releases(), plan.first)
    if seeding is plan.first:
        load_seeder(plan.first.seed)
        check_factor(plan.first.seed, [d.name for d in plan.databases()], factor)
    elif factor > 1:
        raise UsageFault(
            f"--scale multiplies a cloud where it is seeded, and {plan.first.name} has {seeding.name}'s",
            hint=f"begin the route at {seeding.name}",
        )


def seeded(
    task: Task, laboratory: Laboratory, run: RunDirectory, origin: str, shelved: Mapping[str, str], say: Say
) -> Brought:
    """The seeded cloud that is on the server's shelf, with the plan's databases, multiplied as the request wants it."""
    plan, factor = task.plan, task.request.factor
    wanted = {d.name for d in plan.databases()}
    databases = restore_lane(laboratory, {name: saved for name, saved in shelved.items() if name in wanted}, "")
    databases = with_arrivals(laboratory, databases)
    cloud = laboratory.cloud(task.request.site, "main", databases, run.path / "logs")
    if factor == 1:
        return Brought(cloud, origin)
    # Here and not before the cloud is cached: copying in the server is faster than restoring a dump of all copies.
    say(f"multiplying the cloud by {factor}")
    unscaled = cloud.row_counts()
    scale(laboratory.server.engine, plan.first.seed, databases, factor, say)
    return Brought(cloud, f"{origin} times {factor}", unscaled=unscaled)


def passwords_of(request: Request) -> Callable[[str], str | None]:
    """The password of a user of the cloud, where it is known."""
    # A seeded cloud's users have their names for passwords, of which copies have copies; a dump does not say.
    if request.dumps:
        return lambda _user: None
    return copied_from if request.factor > 1 else str


def _refuse_contradictions(request: Request) -> None:
    if request.dumps and (request.scale > 1 or request.description):
        given = "--cloud describes" if request.description else "--scale multiplies"
        raise UsageFault(f"{given} the seeded cloud; a dump is rehearsed as it is")
    if request.estimate and request.keep:
        raise UsageFault(
            "--estimate measures other clouds on the same server afterwards, so there is nothing to --keep"
        )
    if request.estimate and request.new_database:
        raise UsageFault("--estimate times an upgrade in place; a new-controller is timed by its own rehearsal")
    moving = isinstance(request.moves, tuple)
    if moving and request.new_database:
        raise UsageFault(
            "--move and --strategy new-controller cannot be combined: new-controller migrates before the first hop",
            hint="omit --strategy, and give --move the first release",
        )
    if moving and request.estimate:
        raise UsageFault("--estimate measures an upgrade on one server and cannot be combined with --move")
    if request.times > 1 and request.new_database:
        raise UsageFault("--times repeats an upgrade in place; a new-controller is rehearsed once")


def _owners(held: Sequence[Holding], plan: Plan) -> tuple[str, ...]:
    """The services whose databases the dumps hold; raises UsageFault for one of which a database is missing."""
    given = {holding.service for holding in held}
    databases = {service: [d.name for d in part.databases] for service, part in plan.first.services.items()}
    owners = {name: service for service, names in databases.items() for name in names}
    wanted = tuple(dict.fromkeys(owners.get(holding.service, holding.service) for holding in held))
    for service in wanted:
        if missing := [name for name in databases.get(service, ()) if name not in given]:
            raise UsageFault(
                f"the dumps contain no {' and no '.join(missing)}, without which {service} cannot be upgraded",
                hint=f"dump {', '.join(databases[service])}, or choose others with --services",
            )
    return (*wanted, *(service for service, arrival in plan.arrivals.items() if arrival.source in given))


def _moving(request: Request, plan: Plan, dumps: Sequence[Dump]) -> Plan:
    """The plan with the server migrations that were requested, or that its first server makes necessary."""
    if request.moves == "none" or (request.moves == "auto" and (request.new_database or request.estimate)):
        return plan
    version = version_of_server(dumps, request.survey)
    database = nearest(plan.path.databases, version) if request.database == "auto" else request.database
    wanted = None if request.moves == "auto" else [server_at(text) for text in request.moves]
    moves = server_moves(plan.path, load_releases(), database, wanted)
    return dataclasses.replace(plan, servers=moves)


def server_at(text: str) -> tuple[str, str]:
    """A server's image and a release out of ``IMAGE@RELEASE``; raises UsageFault for anything else."""
    image, at, release = text.partition("@")
    if not (image and at and release):
        raise UsageFault(
            f"--move must be SERVER@RELEASE, not {text!r}",
            hint="`osupgrade images list` shows the servers, `osupgrade routes` the releases",
        )
    return require_database(image), release


def _with_servers(request: Request, plan: Plan) -> Request:
    """Both servers of a move by name: the path's first database is the old one, its second the new one."""
    first, second = plan.path.databases[0], plan.path.databases[:2][-1]
    old, new = request.database, request.new_database
    return request.changed(database=first if old == "auto" else old, new_database=second if new == "auto" else new)


def _expand(name: str, plan: Plan) -> tuple[str, ...]:
    return plan.path.carries if name == CARRIED else (name,)
