"""``osupgrade rehearse``: take a cloud along a path and say whether it came through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from osupgrade.catalog.running import LEVELS, Level
from osupgrade.catalog.survey import read_survey
from osupgrade.cli.groups import grouped
from osupgrade.cli.options import (
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
    chosen_path,
    history_from,
    names_in,
    remembered,
    route_text,
    site_from_option,
    usual_seconds,
)
from osupgrade.cli.progress import progress_shown, reading
from osupgrade.history import History, Thing, how_of, subject_of
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import UsageFault
from osupgrade.model.events import EventLog
from osupgrade.rehearsal.estimate.host import read_host
from osupgrade.rehearsal.prepare import Task, load
from osupgrade.rehearsal.rehearse import rehearse as run_rehearsal
from osupgrade.rehearsal.request import Estimating, Request, rolls_back
from osupgrade.rehearsal.strategy import NEW_CONTROLLER, STRATEGIES
from osupgrade.report.json import to_text
from osupgrade.report.terminal.console import terminal
from osupgrade.report.terminal.live import live
from osupgrade.report.terminal.verdict import verdict
from osupgrade.report.write import write_reports
from osupgrade.seed.description import load_description

_CLOUD, _TRAPS, _JUDGING, _TIME = "The cloud", "Traps and cures", "Checks", "Duration"


@dataclass(frozen=True)
class CloudOptions:
    """Which cloud is rehearsed, along which path, on which server."""

    path: PathOfDump = ""
    source: Source = ""
    target: Target = ""
    route: RouteKind = ""
    via: Via = ""
    site: SiteFile = None
    survey: Annotated[
        Path | None,
        typer.Option("--survey", help="Settings of your database server, collected by `osupgrade survey`."),
    ] = None
    dump: Annotated[
        list[Path] | None,
        typer.Option("--dump", help="A dump; the same as an argument.", rich_help_panel=_CLOUD),
    ] = None
    services: Services = ""
    db: DatabaseKind = "auto"
    cloud: Annotated[
        Path | None,
        typer.Option("--cloud", help="Description of the cloud to seed (cloud.toml).", rich_help_panel=_CLOUD),
    ] = None
    scale: Annotated[
        int,
        typer.Option("--scale", min=1, help="Multiply the seeded cloud by this factor.", rich_help_panel=_CLOUD),
    ] = 1
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            help="in-place (the default), or new-controller: move to another server first.",
            rich_help_panel=_CLOUD,
        ),
    ] = ""
    old_db: Annotated[
        str,
        typer.Option(
            "--old-db",
            help="Old database server with --strategy new-controller; --db is then the new one.",
            rich_help_panel=_CLOUD,
        ),
    ] = ""
    move: Annotated[
        list[str] | None,
        typer.Option(
            "--move",
            help="Migrate to another database server at a release: SERVER@RELEASE, or `none` to stay on one server. "
            "Default: before a release that is not known to run on the server.",
            rich_help_panel=_CLOUD,
        ),
    ] = None


@dataclass(frozen=True)
class CureOptions:
    """Which traps are put in, and which findings are cured."""

    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            help="Plant this trap in the cloud; `default` plants the standard set of the path.",
            rich_help_panel=_TRAPS,
        ),
    ] = None
    more: MoreScenarios = None
    cure: Annotated[
        str,
        typer.Option(
            "--cure", help="Cures to apply: all, or scenario names separated by commas.", rich_help_panel=_TRAPS
        ),
    ] = "all"
    no_cure: Annotated[
        bool,
        typer.Option("--no-cure", "--naive", help="Apply no cures, to see each problem occur.", rich_help_panel=_TRAPS),
    ] = False


@dataclass(frozen=True)
class JudgingOptions:
    """What is looked at besides the steps."""

    verify: Annotated[
        str,
        typer.Option(
            "--verify",
            help="Query the real APIs of the last release: none, smoke or full.",
            rich_help_panel=_JUDGING,
        ),
    ] = "smoke"
    fast: Annotated[
        bool,
        typer.Option("--fast", help="Skip RabbitMQ in the API checks (faster, covers less).", rich_help_panel=_JUDGING),
    ] = False
    rollback: Annotated[
        bool | None,
        typer.Option(
            "--rollback/--no-rollback",
            help="Take a backup first and test restoring it (default: on, except with a large --scale).",
            rich_help_panel=_JUDGING,
        ),
    ] = None
    times: Annotated[
        int,
        typer.Option(
            "--times",
            min=1,
            help="Run the upgrade N times on copies of the cloud; every run must end with identical data.",
            rich_help_panel=_JUDGING,
        ),
    ] = 1
    history: HistoryFile = None
    no_history: NoHistory = False


@dataclass(frozen=True)
class TimingOptions:
    """How long production will take."""

    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate",
            help="Estimate the duration in production, from --scale or from the dump.",
            rich_help_panel=_TIME,
        ),
    ] = False
    factor_file: Annotated[
        Path | None,
        typer.Option(
            "--factor-file",
            help="Speed of your controller, measured by the script of `osupgrade survey --speed`.",
            rich_help_panel=_TIME,
        ),
    ] = None


@dataclass(frozen=True)
class OutputOptions:
    """What is written, printed and left."""

    out: Out = Path("runs")
    jobs: Jobs = 6
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the database server running; report.json has its address.")
    ] = False
    as_json: Json = False
    quiet: Quiet = False


@grouped
def rehearse(
    dumps: Annotated[
        list[Path] | None, typer.Argument(help="Dumps, or directories of dumps (default: a seeded cloud).")
    ] = None,
    *,
    cloud: CloudOptions,
    cures: CureOptions,
    judging: JudgingOptions,
    timing: TimingOptions,
    output: OutputOptions,
) -> int:
    """Upgrade a copy of a cloud with the real tools, release by release, and judge the result.

    Examples: `osupgrade rehearse`, `osupgrade rehearse backups/*.sql.gz`,
    `osupgrade rehearse quantum.sql --services neutron --no-cure`, `osupgrade rehearse --from yoga --to 2025.1`
    """
    console = terminal(stderr=output.as_json)
    # The times of an estimate are not those of other runs.
    past = None if timing.estimate else history_from(judging.history, judging.no_history)
    with progress_shown(terminal(stderr=output.as_json, quiet=output.quiet)) as on_progress:
        path = chosen_path(_route(cloud, bool(dumps or cloud.dump)), lambda text: console.print(text, soft_wrap=True))
        request = request_from(path, dumps or (), cloud, cures, judging, timing, output)
        task = load(request, reading(on_progress))
    run = RunDirectory.make(output.out, task.plan.path.name)
    view = live(task.plan, console, quiet=output.quiet, expected=_expected(task, past))
    with run.marked_when_stopped("this rehearsal"), view, EventLog(run.events, view.on_event) as events:
        report = run_rehearsal(task, run, events, past)
    report = remembered(report, past)
    write_reports(report, run)
    run.finish()
    if output.as_json:
        typer.echo(to_text(report), nl=False)
        return report.exit_status
    verdict(report, console)
    console.print(f"evidence: {run.path}/report.html", soft_wrap=True)
    return report.exit_status


def request_from(
    path: str,
    dumps: list[Path] | tuple[Path, ...],
    cloud: CloudOptions,
    cures: CureOptions,
    judging: JudgingOptions,
    timing: TimingOptions,
    output: OutputOptions,
) -> Request:
    """The request that the options describe; raises UsageFault for options that mean nothing."""
    if cloud.cloud and (dumps or cloud.dump):
        raise UsageFault("--cloud describes the seeded cloud; a dump is rehearsed as it is")
    moved = _moving(cloud.strategy, cloud.old_db)
    old, new = _databases(cloud) if moved else (cloud.db, "")
    files = {
        "--site": cloud.site,
        "--survey": cloud.survey,
        "--cloud": cloud.cloud,
        "--factor-file": timing.factor_file,
    }
    return Request(
        path=path,
        services=names_in(cloud.services),
        site=site_from_option(cloud.site),
        survey=read_survey(cloud.survey) if cloud.survey else None,
        dumps=(*dumps, *(cloud.dump or ())),
        description=load_description(cloud.cloud) if cloud.cloud else None,
        scale=cloud.scale,
        scenarios=tuple(cures.scenario or ()),
        own_scenarios=tuple(cures.more or ()),
        cures="none" if cures.no_cure else "all" if cures.cure == "all" else names_in(cures.cure),
        database=old,
        new_database=new,
        moves=_moves(cloud.move or ()),
        rollback=rolls_back(cloud.strategy, cloud.scale, judging.rollback),
        level=_level(judging.verify),
        fast=judging.fast,
        estimate=_estimating(timing),
        times=judging.times,
        jobs=output.jobs,
        keep=output.keep,
        files={option: file for option, file in files.items() if file},
    )


def _route(cloud: CloudOptions, dumps: bool) -> str:
    """The path or the route that was asked for; empty for neither."""
    along = route_text(cloud.source, cloud.target, cloud.route, cloud.via, dumps=dumps)
    if along and cloud.path:
        raise UsageFault("--path and --from cannot be combined: a path already has both ends")
    return along or cloud.path


def _moving(strategy: str, old_db: str) -> bool:
    """Whether the cloud is moved to a new controller."""
    if strategy and strategy not in STRATEGIES:
        raise UsageFault(f"--strategy must be {' or '.join(STRATEGIES)}, not {strategy!r}")
    if old_db and strategy != NEW_CONTROLLER:
        raise UsageFault("--old-db needs --strategy new-controller; an upgrade in place uses one server, --db")
    return strategy == NEW_CONTROLLER


def _moves(given: list[str] | tuple[str, ...]) -> Literal["auto", "none"] | tuple[str, ...]:
    """The server migrations that --move asks for."""
    if "none" in given and len(given) > 1:
        raise UsageFault("--move none cannot be combined with another --move")
    return "none" if "none" in given else tuple(given) or "auto"


def _databases(cloud: CloudOptions) -> tuple[str, str]:
    """The old controller's database and the new one's; empty where the path decides."""
    return cloud.old_db or "auto", cloud.db


def _expected(task: Task, past: History | None) -> float | None:
    """How long this takes, as far as it is remembered; of an operator's dump nothing is."""
    request, plan = task.request, task.plan
    whole = plan.services == tuple(plan.last.services)
    if request.dumps or request.factor > 1 or not whole:
        return None
    databases = plan.path.databases
    where = request.new_database or (databases[0] if request.database == "auto" else request.database)
    subject = subject_of([scenario.name for scenario in task.injected], bool(request.new_database))
    return usual_seconds(past, Thing(plan.path.name, where, subject, how_of(request.level or "", request.times)))


def _estimating(timing: TimingOptions) -> Estimating | None:
    if not timing.estimate:
        if timing.factor_file:
            raise UsageFault("--factor-file needs --estimate")
        return None
    return Estimating(host=read_host(timing.factor_file) if timing.factor_file else None)


def _level(text: str) -> Level | None:
    if text == "none":
        return None
    if text not in LEVELS:
        raise UsageFault(f"--verify must be none, smoke or full, not {text!r}")
    return "smoke" if text == "smoke" else "full"
