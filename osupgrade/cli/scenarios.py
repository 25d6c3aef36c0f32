"""``osupgrade scenarios``: the traps, one by one and all together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown
from rich.table import Table

from osupgrade.cli.options import (
    DEFAULT_PATH,
    DatabaseKind,
    HistoryFile,
    Json,
    MoreScenarios,
    NoHistory,
    Out,
    PathName,
    Quiet,
    SiteFile,
    history_from,
    plan_from,
    remembered,
    site_from_option,
)
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.directories import made
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import markdown
from osupgrade.rehearsal.lanes import describe
from osupgrade.rehearsal.prepare import all_scenarios
from osupgrade.rehearsal.suite import Trial, prove
from osupgrade.report.terminal.console import terminal
from osupgrade.report.terminal.live import ScenarioView
from osupgrade.report.terminal.tables import matrix
from osupgrade.report.terminal.verdict import verdict
from osupgrade.report.write import write_reports
from osupgrade.scenarios.contract import Blocks, Lane, RestoreFails, Scenario, Silent
from osupgrade.scenarios.loading import BrokenScenario, ScenarioSet

_SHOWS: Mapping[type, str] = {Blocks: "an error", Silent: "silent damage", RestoreFails: "a failed restore"}
LANES: Mapping[str, tuple[Lane, ...]] = {"naive": ("naive",), "cured": ("cured",), "both": ("naive", "cured")}

app = typer.Typer(
    help="The traps: list them, read them, run them, write your own.", no_args_is_help=True, add_completion=False
)


@app.command("list")
def list_(
    as_json: Json = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a table in Markdown.")] = False,
    more: MoreScenarios = None,
) -> int:
    """Show every scenario with its services and its title. A broken one is named, with the reason, and exits 2.

    Example: `osupgrade scenarios list --json`
    """
    found = all_scenarios(more or ())
    if as_json:
        typer.echo(json.dumps([_facts(scenario) for scenario in found.scenarios.values()], indent=2))
    elif as_markdown:
        typer.echo(table_of(found.scenarios.values()))
    else:
        table = Table("scenario", "services", "title", box=None)
        for scenario in found.scenarios.values():
            table.add_row(scenario.name, " ".join(scenario.services), scenario.title)
        terminal().print(table)
    tell_broken(found.broken)
    return Exit.USAGE if found.broken else Exit.CAME_THROUGH


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Scenario to show.")], as_json: Json = False, more: MoreScenarios = None
) -> None:
    """Show one scenario: what happens, why, who meets it, the cure.

    Example: `osupgrade scenarios show nova-direct-jump`
    """
    (scenario,) = all_scenarios(more or ()).chosen([name])
    if as_json:
        typer.echo(json.dumps(_facts(scenario), indent=2))
        return
    console = terminal()
    readme = scenario.directory / "README.md"
    console.print(Markdown(readme.read_text("utf-8") if readme.exists() else f"# {scenario.title}"))
    console.print(f"\nsymptom: {describe(scenario.symptom)}")


@app.command("run")
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Scenarios to run (default: all of the path).")] = None,
    path: PathName = DEFAULT_PATH,
    site: SiteFile = None,
    db: DatabaseKind = "auto",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Number of scenarios to run in parallel.")] = 3,
    ask: Annotated[
        bool, typer.Option("--verify", help="Also check API responses, for scenarios that define expected ones.")
    ] = False,
    lane: Annotated[str, typer.Option("--lane", help="naive, cured or both.")] = "both",
    out: Out = Path("runs"),
    more: MoreScenarios = None,
    history: HistoryFile = None,
    no_history: NoHistory = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run both lanes of each scenario: the naive one must fail as expected, the cured one must succeed.

    Example: `osupgrade scenarios run ml2-flat-networks nova-direct-jump`
    """
    console = terminal(stderr=as_json)
    past = history_from(history, no_history)
    plan = plan_from(path)
    found = all_scenarios(more or ())
    known = found.applying(plan)
    if lane not in LANES:
        raise UsageFault(f"--lane must be one of {', '.join(LANES)}, not {lane!r}")
    chosen = _chosen(found, names or (), plan, path)
    if names:  # a broken neighbour of what was asked for is reported, and does no more
        tell_broken(found.broken)
    trial = Trial(
        plan=plan,
        chosen=chosen,
        known=known,
        plan_for=lambda scenario: plan_from(path, ",".join(scenario.services)),
        site=site_from_option(site),
        database=db,
        jobs=jobs,
        broken=() if names else found.broken,
        ask_apis_in=("naive", "cured") if ask else (),
        lanes=LANES[lane],
    )
    directory = RunDirectory.make(out, f"{plan.path.name}-scenarios")
    view = ScenarioView(len(chosen), console, quiet=quiet)
    with directory.marked_when_stopped("this run"), view:
        report = prove(trial, directory, view.say, view.on_report)
    report = remembered(report, past)
    write_reports(report, directory)
    directory.finish()
    if as_json:
        typer.echo((directory.path / "report.json").read_text("utf-8"), nl=False)
        return report.exit_status
    if not quiet:
        matrix(report.scenarios, console)
    verdict(report, console)
    return report.exit_status


def _chosen(found: ScenarioSet, names: Sequence[str], plan: Plan, path: str) -> tuple[Scenario, ...]:
    """The scenarios that are named, or else all of the path; raises UsageFault where one does not belong to it."""
    chosen = found.chosen(names) if names else tuple(s for s in found.applying(plan) if s.can_run(plan))
    for scenario in chosen:
        if not scenario.can_run(plan):
            raise UsageFault(
                f"the scenario {scenario.name} is for {', '.join(scenario.hops)}, which {path} does not have",
                hint=f"choose a --path with {', '.join(scenario.hops)}",
            )
    if not chosen:
        raise UsageFault(f"there is no scenario for {path}", hint="osupgrade scenarios list")
    return tuple(chosen)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Name of the new scenario, in lower case with hyphens.")],
    into: Annotated[Path, typer.Option("--into", help="Directory in which to create the scenario.")] = Path(
        "scenarios"
    ),
    python: Annotated[bool, typer.Option("--python", help="Write a scenario.py, for what SQL cannot express.")] = False,
) -> None:
    """Write a working skeleton of a scenario: scenario.toml, its README and its test.

    Example: `osupgrade scenarios new nova-my-column --into my-scenarios`
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise UsageFault(f"{name!r} is not a valid name for a scenario: use lower-case letters, digits and hyphens")
    directory = into / name
    if directory.exists():
        raise UsageFault(f"{directory} already exists")
    skeleton = Path(__file__).parent / "skeleton"
    made(directory, "--into")
    for file in ("scenario.py" if python else "scenario.toml", "README.md", "test_scenario.py"):
        text = (skeleton / f"{file}.in").read_text("utf-8").replace("@NAME@", name)
        (directory / file).write_text(text, "utf-8")
    typer.echo(f"wrote {directory}; try it: osupgrade scenarios run {name} --scenarios {into}")


def table_of(scenarios: Iterable[Scenario]) -> str:
    """A table in Markdown: each trap's name, hops, symptom, and what happens."""
    lines = ["| scenario | hop | symptom | what happens |", "|---|---|---|---|"]
    for scenario in scenarios:
        name = f"[{scenario.name}]({scenario.name}/README.md)"
        cells = (name, markdown(", ".join(scenario.hops)), _SHOWS[type(scenario.symptom)], markdown(scenario.title))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def tell_broken(scenarios: Iterable[BrokenScenario]) -> None:
    """Say of each broken scenario why it cannot be used."""
    for broken in scenarios:
        typer.echo(f"broken: {broken.name} ({broken.file}:{broken.line}): {broken.reason}", err=True)


def _facts(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "hops": list(scenario.hops),
        "services": list(scenario.services),
        "symptom": describe(scenario.symptom),
        "directory": str(scenario.directory),
    }
