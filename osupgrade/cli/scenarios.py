"""``osupgrade scenarios``: the traps, one by one and all together."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from osupgrade.checks import load_checks
from osupgrade.cli.options import (
    DEFAULT_PATH,
    DatabaseKind,
    Json,
    MoreScenarios,
    Out,
    PathName,
    Quiet,
    SiteFile,
    all_scenarios,
    plan_from,
    site_from_option,
)
from osupgrade.cli.rehearse import manifest
from osupgrade.errors import Exit, Fault, UsageFault
from osupgrade.laboratory import open_laboratory, prepare_seeded
from osupgrade.lanes import LaneRunner, describe
from osupgrade.report import write_reports
from osupgrade.report.terminal import ScenarioView, matrix, verdict
from osupgrade.result import RunReport
from osupgrade.rundir import RunDirectory
from osupgrade.scenario import Scenario
from osupgrade.seed.description import load_description

app = typer.Typer(help="The traps: list them, read them, run them, write your own.", no_args_is_help=True)


@app.command("list")
def list_(as_json: Json = False, more: MoreScenarios = None) -> int:
    """Show every scenario with its services and its symptom. A broken one is told, and exits 2.

    Example: `osupgrade scenarios list --json`
    """
    found = all_scenarios(more)
    if as_json:
        typer.echo(json.dumps([_facts(scenario) for scenario in found.scenarios.values()], indent=2))
    else:
        table = Table("scenario", "services", "title", box=None)
        for scenario in found.scenarios.values():
            table.add_row(scenario.name, " ".join(scenario.services), scenario.title)
        Console(highlight=False).print(table)
    for broken in found.broken:
        typer.echo(f"broken: {broken.name} ({broken.file}:{broken.line}): {broken.reason}", err=True)
    return Exit.USAGE if found.broken else Exit.CAME_THROUGH


@app.command("show")
def show(name: str, as_json: Json = False, more: MoreScenarios = None) -> None:
    """Show one scenario: what happens, why, who meets it, the cure.

    Example: `osupgrade scenarios show nova-direct-jump`
    """
    (scenario,) = all_scenarios(more).chosen([name])
    if as_json:
        typer.echo(json.dumps(_facts(scenario), indent=2))
        return
    console = Console(highlight=False)
    readme = scenario.directory / "README.md"
    console.print(Markdown(readme.read_text("utf-8") if readme.exists() else f"# {scenario.title}"))
    console.print(f"\nsymptom: {describe(scenario.symptom)}", markup=False)


@app.command("run")
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Scenarios; none: all of the path.")] = None,
    path: PathName = DEFAULT_PATH,
    site: SiteFile = None,
    db: DatabaseKind = "auto",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Scenarios side by side.")] = 3,
    out: Out = Path("runs"),
    more: MoreScenarios = None,
    quiet: Quiet = False,
) -> int:
    """Run both lanes of each scenario: in the naive one the trap must bite as stated, in the cured one nothing may.

    Example: `osupgrade scenarios run ml2-unbound-ports nova-direct-jump`
    """
    started = time.monotonic()
    console = Console(highlight=False)
    plan = plan_from(path)
    found = all_scenarios(more)
    known = [s for s in found.scenarios.values() if s.path == path]
    chosen = found.chosen(names) if names else tuple(known)
    for scenario in chosen:
        if scenario.path != path:
            raise UsageFault(f"{scenario.name} is a trap of {scenario.path}", hint=f"add --path {scenario.path}")
    if not chosen:
        raise UsageFault(f"there is no scenario for {path}", hint="osupgrade scenarios list")
    the_site = site_from_option(site)
    directory = RunDirectory.make(out, f"{plan.path.name}-scenarios")

    view = ScenarioView(len(chosen), console, quiet=quiet)
    try:
        with view, open_laboratory(plan, view.say, database=db) as laboratory:
            origin, shelved = prepare_seeded(
                laboratory, load_description(None), the_site, directory.path / "logs", view.say
            )
            runner = LaneRunner(
                laboratory=laboratory,
                shelved=shelved,
                known=known,
                checks=tuple(load_checks().values()),
                site=the_site,
                run=directory,
                plan_for=lambda scenario: plan_from(path, ",".join(scenario.services)),
            )
            reports = runner.all(chosen, jobs, view.told)
            passed = all(report.passed for report in reports)
            bad = [report.name for report in reports if not report.passed]
            report = RunReport(
                kind="scenarios",
                manifest=manifest(laboratory, plan, origin, the_site),
                exit_status=Exit.CAME_THROUGH if passed and not found.broken else Exit.DID_NOT,
                verdict=f"{len(reports) - len(bad)} of {len(reports)} scenarios bit as stated and were cured",
                next_command=f"osupgrade scenarios run {' '.join(bad)}"
                if bad
                else f"open {directory.path}/report.html",
                seconds=time.monotonic() - started,
                scenarios=tuple(reports),
                invariants={check.name: check.title for check in load_checks().values()},
                notes=tuple(f"broken: {b.name} ({b.file}:{b.line}): {b.reason}" for b in found.broken),
            )
    except KeyboardInterrupt:
        directory.stopped("this run was interrupted")
        raise
    except Fault as fault:
        directory.stopped(f"this run ended early: {fault.message}")
        raise
    write_reports(report, directory)
    directory.finish()
    matrix(report.scenarios, console)
    verdict(report, console)
    return report.exit_status


@app.command("new")
def new(
    name: str,
    into: Annotated[Path, typer.Option("--into", help="The directory of scenarios that takes it.")] = Path("scenarios"),
) -> None:
    """Write a working skeleton of a scenario with its README and its test.

    Example: `osupgrade scenarios new nova-my-column --into my-scenarios`
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise UsageFault(f"{name!r} is no name for a scenario: small letters, digits and hyphens")
    directory = into / name
    if directory.exists():
        raise UsageFault(f"{directory} is there already")
    skeleton = Path(__file__).parent / "skeleton"
    directory.mkdir(parents=True)
    for file in ("scenario.py", "README.md", "test_scenario.py"):
        text = (skeleton / f"{file}.in").read_text("utf-8").replace("@NAME@", name)
        (directory / file).write_text(text, "utf-8")
    typer.echo(f"wrote {directory}; try it: osupgrade scenarios run {name} --scenarios {into}")


def _facts(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "path": scenario.path,
        "services": list(scenario.services),
        "symptom": describe(scenario.symptom),
        "directory": str(scenario.directory),
    }
