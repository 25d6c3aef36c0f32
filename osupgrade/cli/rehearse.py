"""``osupgrade rehearse``: take a cloud along a path and say whether it came through."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from osupgrade.catalog.running import LEVELS, Level
from osupgrade.cli.options import (
    DEFAULT_PATH,
    DatabaseKind,
    HistoryFile,
    Jobs,
    Json,
    MoreScenarios,
    NoHistory,
    Out,
    PathOfDump,
    Quiet,
    RouteKind,
    Services,
    SiteFile,
    Source,
    Target,
    Via,
    all_scenarios,
    chosen_path,
    history_from,
    path_of_dumps,
    plan_from,
    remembered,
    route_text,
    site_from_option,
    usual_seconds,
)
from osupgrade.cli.progress import reading, telling
from osupgrade.dump.holdings import Holding, holdings
from osupgrade.dump.read import Reading, read_dumps
from osupgrade.dump.start import check_start
from osupgrade.history import History, Thing, how_of, subject_of
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import UsageFault
from osupgrade.model.events import EventLog
from osupgrade.model.plan import Plan
from osupgrade.rehearsal.conduct import LARGE, Estimating, Request, conduct
from osupgrade.rehearsal.estimate.host import read_host
from osupgrade.rehearsal.estimate.measure import TOP
from osupgrade.rehearsal.runner import MayCure, cure_all, cure_none
from osupgrade.rehearsal.strategy import NEW_CONTROLLER, STRATEGIES
from osupgrade.report import write_reports
from osupgrade.report.terminal import live, verdict
from osupgrade.scenarios.contract import ScenarioSet
from osupgrade.seed.description import load_description
from osupgrade.seed.scale import check_factor
from osupgrade.seed.seeder import load_seeder

CARRIED = "default"
"""As a scenario's name: all that the path carries when `make rehearse` runs it."""


def rehearse(
    path: PathOfDump = "",
    source: Source = "",
    target: Target = "",
    route: RouteKind = "",
    via: Via = "",
    site: SiteFile = None,
    dump: Annotated[list[Path] | None, typer.Option("--dump", help="A dump, or a directory of them.")] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", help="Put this trap into the cloud; `default`: the path's own set."),
    ] = None,
    naive: Annotated[bool, typer.Option("--naive", help="Cure nothing: see the traps bite.")] = False,
    cure: Annotated[str, typer.Option("--cure", help="Cure what is found: all of it, or NAME,NAME.")] = "all",
    no_cure: Annotated[bool, typer.Option("--no-cure", help="Cure nothing.")] = False,
    services: Services = "",
    db: DatabaseKind = "auto",
    scale: Annotated[int, typer.Option("--scale", min=1, help="Multiply the seeded cloud.")] = 1,
    cloud: Annotated[Path | None, typer.Option("--cloud", help="Describe the seeded cloud: a cloud.toml.")] = None,
    verify_level: Annotated[
        str, typer.Option("--verify", help="Ask the last release's real APIs: none, smoke or full.")
    ] = "smoke",
    fast: Annotated[bool, typer.Option("--fast", help="Ask the APIs without a message broker.")] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say how long it will take in production: --scale, or the dump.")
    ] = False,
    factor_file: Annotated[
        Path | None, typer.Option("--factor-file", help="Your controller, as measure_host.py measured it.")
    ] = None,
    jobs: Jobs = 5,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the database up; report.json says where.")] = False,
    strategy: Annotated[
        str,
        typer.Option("--strategy", help="in-place (without it too), or new-controller: moved to another server first."),
    ] = "",
    old_db: Annotated[
        str, typer.Option("--old-db", help="The old server of a new-controller; --db is then the new one.")
    ] = "",
    rollback: Annotated[
        bool | None,
        typer.Option(
            "--rollback/--no-rollback",
            help="Take a backup and rehearse its restore; done, but for large --scale, unless said otherwise.",
        ),
    ] = None,
    times: Annotated[
        int, typer.Option("--times", min=1, help="Take the same cloud along so often; it must end the same each time.")
    ] = 1,
    out: Out = Path("runs"),
    more: MoreScenarios = None,
    history: HistoryFile = None,
    no_history: NoHistory = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Take a cloud from the path's first release to its last with the real tools, and judge the outcome.

    Examples: `osupgrade rehearse`, `osupgrade rehearse --dump quantum.sql --services neutron --no-cure`,
    `osupgrade rehearse --from yoga --to 2025.1`
    """
    if along := route_text(source, target, route, via):
        if path:
            raise UsageFault("--path and --from exclude each other: a path has its ends")
        path = along
    console = Console(highlight=False, stderr=as_json)
    past = None if estimate else history_from(history, no_history)  # its times are not those of other runs
    with telling(Console(highlight=False, stderr=as_json, quiet=quiet)) as told:
        request = request_for(
            path=chosen_path(path, lambda text: console.print(text, markup=False, soft_wrap=True)),
            site=site,
            dump=dump,
            scenario=scenario,
            naive=naive or no_cure,
            cure=cure,
            services=services,
            db=db,
            scale=scale,
            cloud=cloud,
            verify_level=verify_level,
            fast=fast,
            estimating=estimating_from(estimate, factor_file, scale),
            jobs=jobs,
            keep=keep,
            strategy=strategy,
            old_db=old_db,
            rollback=bool(strategy) or scale < LARGE if rollback is None else rollback,
            times=times,
            more=more,
            read=reading(told),
        )
    run = RunDirectory.make(out, request.plan.path.name)
    view = live(request.plan, console, quiet=quiet, expected=_expected(request, past))
    with run.told_when_stopped("this rehearsal"), view, EventLog(run.events, view.told) as events:
        report = conduct(request, run, events)
    report = remembered(report, past, run)
    write_reports(report, run)
    run.finish()
    if as_json:
        typer.echo((run.path / "report.json").read_text("utf-8"), nl=False)
        return report.exit_status
    verdict(report, console)
    console.print(f"evidence: {run.path}/report.html", soft_wrap=True)
    return report.exit_status


def request_for(
    *,
    path: str,
    site: Path | None,
    dump: Sequence[Path] | None,
    scenario: Sequence[str] | None,
    naive: bool,
    cure: str,
    services: str,
    db: str,
    scale: int,
    cloud: Path | None,
    verify_level: str,
    fast: bool,
    estimating: Estimating | None,
    jobs: int,
    keep: bool,
    strategy: str,
    old_db: str,
    rollback: bool,
    times: int,
    more: Sequence[Path] | None,
    read: Reading | None = None,
) -> Request:
    """What the options of ``osupgrade rehearse`` ask for; raises UsageFault for what cannot be."""
    if dump and (scale > 1 or cloud):
        given = "--cloud describes" if cloud else "--scale multiplies"
        raise UsageFault(f"{given} the seeded cloud; a dump is taken as it is")
    if estimating and keep:
        raise UsageFault(
            "--estimate measures other clouds on the same server afterwards, so there is nothing to --keep"
        )
    if estimating and strategy == NEW_CONTROLLER:
        raise UsageFault("--estimate times an upgrade in place; a new-controller is timed by its own rehearsal")
    dumps = read_dumps(dump, read) if dump else ()
    held = holdings(dumps) if dumps else ()
    moving = _moving(strategy, old_db, times)
    path = path or (path_of_dumps(held) if held else DEFAULT_PATH)
    plan = plan_from(path, services or ",".join(_owners(held, plan_from(path)) if held else ()))
    if not dumps:
        load_seeder(plan.first.seed)
        databases = [d.name for d in plan.databases()]
        check_factor(plan.first.seed, databases, scale)
    found = all_scenarios(more)
    injected = found.chosen([name for given in scenario or () for name in _expand(given, plan)])
    return Request(
        plan=plan,
        site=dataclasses.replace(site_from_option(site), **{k: v for s in injected for k, v in s.site.items()}),
        description=load_description(cloud),
        known=tuple(found.scenarios.values()),
        injected=injected,
        may_cure=cure_none if naive else _may_cure(cure, found),
        naive=naive,
        dumps=dumps,
        told=check_start(held, plan.releases) if dumps else (),
        factor=min(scale, TOP) if estimating else scale,
        estimating=estimating,
        database=(old_db or plan.path.databases[0]) if moving else db,
        new_database=_new_database(db, plan) if moving else "",
        rollback=rollback,
        level=_level(verify_level),
        fast=fast,
        jobs=jobs,
        keep=keep,
        times=times,
    )


def _owners(held: Sequence[Holding], plan: Plan) -> tuple[str, ...]:
    """The services whose databases the dumps hold; raises UsageFault for one of which a database is missing."""
    given = {holding.service for holding in held}
    databases = {service: [d.name for d in part.databases] for service, part in plan.first.services.items()}
    owners = {name: service for service, names in databases.items() for name in names}
    wanted = tuple(dict.fromkeys(owners.get(holding.service, holding.service) for holding in held))
    for service in wanted:
        if missing := [name for name in databases.get(service, ()) if name not in given]:
            raise UsageFault(
                f"the dumps hold no {' and no '.join(missing)}, without which {service} cannot be upgraded",
                hint=f"dump {', '.join(databases[service])}, or choose others with --services",
            )
    return (*wanted, *(service for service, arrival in plan.arrivals.items() if arrival.source in given))


def _moving(strategy: str, old_db: str, times: int) -> bool:
    """Whether the cloud is moved to a new controller; raises UsageFault for options that do not go with that."""
    if strategy and strategy not in STRATEGIES:
        raise UsageFault(f"--strategy takes {' or '.join(STRATEGIES)}, not {strategy!r}")
    if strategy == NEW_CONTROLLER:
        if times > 1:
            raise UsageFault("--times repeats an upgrade in place; a new-controller is rehearsed once")
        return True
    if old_db:
        raise UsageFault("--old-db belongs to --strategy new-controller; in place there is one server, --db")
    return False


def _new_database(db: str, plan: Plan) -> str:
    """The new controller's database: the one asked for, else the path's second, else the same as the old one."""
    return db if db != "auto" else plan.path.databases[:2][-1]


def _expected(request: Request, past: History | None) -> float | None:
    """How long this takes, as far as it is remembered; of an operator's dump nothing is."""
    whole = request.plan.services == tuple(request.plan.last.services)
    if request.dumps or request.factor > 1 or not whole:
        return None
    databases = request.plan.path.databases
    where = request.new_database or (databases[0] if request.database == "auto" else request.database)
    subject = subject_of([scenario.name for scenario in request.injected], bool(request.new_database))
    how = how_of(request.level or "", request.times)
    return usual_seconds(past, Thing(request.plan.path.name, where, subject, how))


def estimating_from(wanted: bool, file: Path | None, scale: int) -> Estimating | None:
    """What ``--estimate`` and ``--factor-file`` ask for; raises UsageFault for a file that cannot be used."""
    if not wanted:
        if file:
            raise UsageFault("--factor-file belongs to --estimate")
        return None
    return Estimating(scale, read_host(file) if file else None)


def _expand(name: str, plan: Plan) -> tuple[str, ...]:
    return plan.path.carries if name == CARRIED else (name,)


def _level(text: str) -> Level | None:
    if text == "none":
        return None
    if text not in LEVELS:
        raise UsageFault(f"--verify takes none, smoke or full, not {text!r}")
    return "smoke" if text == "smoke" else "full"


def _may_cure(cure: str, found: ScenarioSet) -> MayCure:
    if cure == "all":
        return cure_all
    wanted = {name.strip() for name in cure.split(",") if name.strip()}
    found.chosen(sorted(wanted))
    return lambda name: name in wanted
