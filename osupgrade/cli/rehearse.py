"""``osupgrade rehearse``: take a cloud along a path and say whether it came through."""

from __future__ import annotations

import dataclasses
import datetime
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from osupgrade import __version__
from osupgrade.checks import load_checks
from osupgrade.cli.options import (
    DEFAULT_PATH,
    DatabaseKind,
    Jobs,
    MoreScenarios,
    Out,
    PathName,
    Quiet,
    Services,
    SiteFile,
    all_scenarios,
    chosen_path,
    plan_from,
    site_from_option,
)
from osupgrade.cloud import Cloud
from osupgrade.dump.source import check_start, holdings, read_dumps
from osupgrade.errors import Exit, Fault, UsageFault
from osupgrade.events import EventLog, Kind
from osupgrade.laboratory import Laboratory, open_laboratory, prepare_seeded, restore_dumps, restore_lane
from osupgrade.model import VERIFY, Finding
from osupgrade.plan import Plan
from osupgrade.rehearsal import Rehearsal
from osupgrade.report import write_reports
from osupgrade.report.digest import settled
from osupgrade.report.terminal import live, verdict
from osupgrade.result import KeptDatabase, LaneResult, Manifest, RunReport, StagedFinding, State
from osupgrade.rundir import RunDirectory
from osupgrade.scenario import ScenarioSet
from osupgrade.schema.snapshot import ddl
from osupgrade.seed.description import load_description
from osupgrade.site import Site
from osupgrade.verify.running import LEVELS, Level
from osupgrade.verify.verification import take_census, verify

CARRIED = "default"
"""As a scenario's name: all that the path carries when `make rehearse` runs it."""


def rehearse(
    path: PathName = DEFAULT_PATH,
    site: SiteFile = None,
    dump: Annotated[list[Path] | None, typer.Option("--dump", help="A dump, or a directory of them.")] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", help="Put this trap into the cloud; `default`: the path's own set."),
    ] = None,
    naive: Annotated[bool, typer.Option("--naive", help="Cure nothing: see the traps bite.")] = False,
    cure: Annotated[str, typer.Option("--cure", help="Which findings to cure: all, or names with commas.")] = "all",
    no_cure: Annotated[bool, typer.Option("--no-cure", help="Cure nothing.")] = False,
    services: Services = "",
    db: DatabaseKind = "auto",
    scale: Annotated[int, typer.Option("--scale", min=1, help="Multiply the seeded cloud.")] = 1,
    cloud: Annotated[Path | None, typer.Option("--cloud", help="Describe the seeded cloud: a cloud.toml.")] = None,
    verify_level: Annotated[
        str, typer.Option("--verify", help="Ask the last release's real APIs: none, smoke or full.")
    ] = "smoke",
    jobs: Jobs = 5,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the database up; report.json says where.")] = False,
    out: Out = Path("runs"),
    more: MoreScenarios = None,
    quiet: Quiet = False,
) -> int:
    """Take a cloud from the path's first release to its last with the real tools, and judge the outcome.

    Examples: `osupgrade rehearse`, `osupgrade rehearse --dump quantum.sql --services neutron --no-cure`
    """
    started = time.monotonic()
    console = Console(highlight=False)
    path = chosen_path(path, lambda text: console.print(text, markup=False, soft_wrap=True))
    plan = plan_from(path, services)
    found = all_scenarios(more)
    injected = found.chosen(_expand(scenario or (), plan))
    level = _level(verify_level)
    the_site = dataclasses.replace(site_from_option(site), **{k: v for s in injected for k, v in s.site.items()})
    description = load_description(cloud)
    if dump and scale > 1:
        raise UsageFault("--scale multiplies the seeded cloud; a dump is taken as it is")
    may_cure = _may_cure("" if naive or no_cure else cure, found)
    dumps = read_dumps(dump) if dump else ()
    at_start = check_start(holdings(dumps), plan.releases) if dumps else ()
    if dumps and not services:
        plan = plan_from(path, ",".join(holding.service for holding in holdings(dumps)))
    run = RunDirectory.make(out, plan.path.name)
    view = live(plan, console, quiet=quiet)
    try:
        with view, EventLog(run.events, view.told) as events:

            def say(text: str) -> None:
                events.tell(Kind.LAB, text)

            with open_laboratory(plan, say, database=db, memory=not dump and scale < LARGE) as laboratory:
                told_before: tuple[Finding, ...] = ()
                if dumps:
                    restored = restore_dumps(laboratory.server, dumps, say)
                    told_before, databases = (*at_start, *restored.findings), restored.databases
                    origin = ", ".join(f"{name} sha256:{digest}" for name, digest in restored.sha256.items())
                else:
                    origin, names = prepare_seeded(
                        laboratory, description, the_site, run.path / "logs", say, factor=scale
                    )
                    wanted = {d.name for s in plan.services for d in plan.first.services[s].databases}
                    databases = restore_lane(laboratory, {k: v for k, v in names.items() if k in wanted}, "")
                subject = laboratory.cloud(the_site, "main", databases, run.path / "logs")
                before, large = row_counts(subject), table_sizes(subject)
                # A seeded cloud's users have their names for passwords; an operator's dump does not say.
                password_of = _nobody if dumps else str
                census = None
                if level == "full" and not injected:
                    census = take_census(
                        subject, laboratory.lab, laboratory.workshop, plan, run.path, say, password_of=password_of
                    )
                result = Rehearsal(
                    plan=plan,
                    cloud=subject,
                    run=run,
                    events=events,
                    known=[s for s in found.scenarios.values() if s.path == path_of(plan)],
                    injected=injected,
                    checks=tuple(load_checks().values()),
                    may_cure=may_cure,
                    lane="naive" if naive or no_cure else "cured",
                    jobs=jobs,
                    keep_schema=lambda cloud, name: ddl(cloud.server, cloud.databases[name]),
                    told_before=told_before,
                ).go()
                verification = None
                grown, resized = _grown(before, row_counts(subject)), _grown(large, table_sizes(subject))
                if level and not result.failed and not result.refused:
                    verification = verify(
                        subject,
                        laboratory.lab,
                        laboratory.workshop,
                        plan,
                        level,
                        run.path,
                        say,
                        password_of=password_of,
                        before=census,
                    )
                    found_there = tuple(StagedFinding(VERIFY, f, State.STANDING) for f in verification.findings)
                    result = dataclasses.replace(result, findings=(*result.findings, *found_there))
                report = RunReport(
                    kind="rehearsal",
                    manifest=manifest(laboratory, plan, origin, the_site),
                    exit_status=Exit.CAME_THROUGH if result.came_through else Exit.DID_NOT,
                    verdict=sentence(result, plan),
                    next_command=next_command(result, run),
                    seconds=time.monotonic() - started,
                    result=result,
                    api=verification.calls if verification else (),
                    rows=grown,
                    sizes=resized,
                    invariants={check.name: check.title for check in load_checks().values()},
                    kept=_keep(laboratory, subject) if keep else None,
                )
    except KeyboardInterrupt:
        run.stopped("this rehearsal was interrupted")
        raise
    except Fault as fault:
        run.stopped(f"this rehearsal ended early: {fault.message}")
        raise
    write_reports(report, run)
    run.finish()
    verdict(report, console)
    console.print(f"evidence: {run.path}/report.html", soft_wrap=True)
    return report.exit_status


def _level(text: str) -> Level | None:
    if text == "none":
        return None
    if text not in LEVELS:
        raise UsageFault(f"--verify takes none, smoke or full, not {text!r}")
    return "smoke" if text == "smoke" else "full"


def _nobody(_user: str) -> None:
    """Nobody's password is known."""


LARGE = 100
"""From this scale on the database's files lie on disk and not in memory."""


def path_of(plan: Plan) -> str:
    """The name of the whole path that a plan is (a part of), by which scenarios are chosen."""
    from osupgrade.releases import load_paths

    for path in load_paths().values():
        if plan.first.name in path.releases and plan.last.name in path.releases:
            return path.name
    return plan.path.name


def manifest(laboratory: Laboratory, plan: Plan, origin: str, site: Site) -> Manifest:
    """What this run is made of."""
    commits = {
        part.step: part.pin.commit if part.pin else f"{part.package} {release.version}"
        for release in plan.releases
        for part in release.services.values()
        if part.service in plan.services
    }
    client = laboratory.lab.client
    return Manifest(
        osupgrade=__version__,
        command="osupgrade " + shlex.join(sys.argv[1:]),
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        database=f"{laboratory.database}: {laboratory.server.version}",
        images={name: f"{tag} {client.images.get(tag).id}" for name, tag in laboratory.images.items()},
        commits=commits,
        cloud=origin,
        site=dataclasses.asdict(site),
    )


def row_counts(cloud: Cloud) -> Mapping[str, int]:
    """Exact rows of every table by ``database.table``."""
    counts = {}
    for database in cloud.databases:
        tables = sorted(cloud.tables(database))
        if tables:
            union = " UNION ALL ".join(f"SELECT '{table}', COUNT(*) FROM `{table}`" for table in tables)
            counts.update({f"{database}.{table}": int(rows) for table, rows in cloud.rows(database, union)})
    return counts


def table_sizes(cloud: Cloud) -> Mapping[str, int]:
    """Bytes of every table and its indexes by ``database.table``, as the server estimates them."""
    sql = (
        "SELECT table_name, data_length + index_length FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
    )
    return {
        f"{database}.{table}": int(size or 0)
        for database in cloud.databases
        for table, size in cloud.rows(database, sql)
    }


def sentence(result: LaneResult, plan: Plan) -> str:
    """The verdict in one sentence."""
    if result.refused:
        return "the cloud could not be set up"
    if result.came_through:
        return f"the cloud came through from {plan.first.name} to {plan.path.finish or plan.last.name}"
    parts = []
    if result.failed:
        parts.append(f"it stopped at {', '.join(step.step for step in result.failed)}")
    if result.standing:
        errors = len(settled(result.standing))
        parts.append(f"{errors} error{'s stand' if errors > 1 else ' stands'}")
    return f"the cloud did not come through: {' and '.join(parts)}"


def next_command(result: LaneResult, run: RunDirectory) -> str:
    """What the operator does next."""
    if result.came_through:
        return f"osupgrade report {run.path} --runbook"
    curable = sorted({s.finding.source for s in result.standing if s.finding.cure})
    if curable:
        return f"osupgrade rehearse --cure {','.join(curable)}  (the cures are in {run.path}/report.html)"
    failed = result.failed
    return f"read {run.path}/logs/{failed[0].log}" if failed else f"read {run.path}/report.html"


def _expand(names: list[str] | tuple[()], plan: Plan) -> list[str]:
    return [name for given in names for name in (plan.path.carries if given == CARRIED else (given,))]


def _may_cure(cure: str, found: ScenarioSet) -> Callable[[str], bool]:
    if cure == "all":
        return lambda _name: True
    wanted = {name.strip() for name in cure.split(",") if name.strip()}
    found.chosen(sorted(wanted))
    return lambda name: name in wanted


def _grown(before: Mapping[str, int], after: Mapping[str, int]) -> Mapping[str, Mapping[str, int]]:
    tables = sorted(before.keys() | after.keys())
    return {
        table: {stage: rows[table] for stage, rows in (("seeded", before), ("verify", after)) if table in rows}
        for table in tables
    }


def _keep(laboratory: Laboratory, cloud: Cloud) -> KeptDatabase:
    laboratory.lab.leave_running()
    login = laboratory.server.admin
    return KeptDatabase(login.host, login.port, login.user, login.password, dict(cloud.databases))
