"""``osupgrade nightly``: the whole matrix of paths, databases and scenarios, or one shard of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from osupgrade.catalog.releases import load_paths, load_releases, nightly_routes
from osupgrade.cli.options import (
    HistoryFile,
    Json,
    MoreScenarios,
    NoHistory,
    Out,
    Quiet,
    history_from,
    names_in,
    remembered,
)
from osupgrade.history import History, durations
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab.connect import connect
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.plan import find_path
from osupgrade.model.release import Release, UpgradePath
from osupgrade.model.report import RunReport
from osupgrade.model.text import counted, duration
from osupgrade.nightly.run import SCENARIOS, Nightly, matrix, thing_of
from osupgrade.nightly.split import WHOLE, Shard, Unit, expected, load, split
from osupgrade.rehearsal.prepare import all_scenarios
from osupgrade.report.terminal.console import terminal
from osupgrade.report.terminal.tables import parts_table
from osupgrade.report.terminal.verdict import verdict
from osupgrade.report.write import write_reports


def nightly(
    shard: Annotated[str, typer.Option("--shard", help="Run only part i of n equal parts: i/n.")] = "1/1",
    paths: Annotated[str, typer.Option("--paths", help="Only these paths, separated by commas.")] = "",
    db: Annotated[str, typer.Option("--db", help="Only these databases, separated by commas.")] = "",
    what: Annotated[
        str,
        typer.Option("--what", help=f"Only these: {', '.join((*WHOLE, SCENARIOS))}, or names of scenarios."),
    ] = "",
    listed: Annotated[bool, typer.Option("--list", help="Only list what would run, and how long it takes.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Number of scenarios to run in parallel.")] = 3,
    out: Out = Path("runs"),
    more: MoreScenarios = None,
    history: HistoryFile = None,
    no_history: NoHistory = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run every scenario on every path and database, and complete rehearsals as well.

    A path whose sources or images are missing is reported as not run: exit 3, unless something else failed.

    Example: `osupgrade nightly --shard 2/4`, then `osupgrade report --join DIR DIR DIR DIR`
    """
    console = terminal()
    wanted = Shard.parse(shard)
    releases = load_releases()
    chosen, databases, kinds = _chosen(releases, paths, db), names_in(db), names_in(what)
    found = all_scenarios(more or ())
    found.chosen([kind for kind in kinds if kind not in (*WHOLE, SCENARIOS)])
    past = history_from(history, no_history)
    whole = matrix(list(chosen.values()), databases, kinds, found)
    seconds = _seconds(whole, chosen, past)
    units = split(whole, seconds, wanted.of)[wanted.number - 1]
    if listed:
        _list(units, seconds, console, as_json)
        return Exit.CAME_THROUGH
    client = connect()
    run = RunDirectory.make(out, f"nightly-{wanted.number}-of-{wanted.of}")
    with run.marked_when_stopped("this nightly"):
        report = Nightly(
            units=units,
            whole=whole,
            seconds=seconds,
            paths=chosen,
            releases=releases,
            found=found,
            jobs=jobs,
            own_scenarios=more or (),
            history=past,
            remember=lambda part: remembered(part, past),
            console=terminal(stderr=as_json),
            quiet=quiet,
        ).run(run, client)
    write_reports(report, run)
    run.finish()
    if as_json:
        typer.echo((run.path / "report.json").read_text("utf-8"), nl=False)
    else:
        _show(report, run, console)
    return report.exit_status


def _show(report: RunReport, run: RunDirectory, console: Console) -> None:
    parts_table(report.parts, console)
    verdict(report, console)
    console.print(f"evidence: {run.path}/report.html", soft_wrap=True)


def _chosen(releases: Mapping[str, Release], paths: str, db: str) -> dict[str, UpgradePath]:
    """The paths of this nightly; raises UsageFault for a database that none of them is rehearsed on."""
    known = load_paths()
    chosen = {
        path.name: path
        for path in (find_path(known, releases, name) for name in names_in(paths) or (*known, *nightly_routes()))
    }
    offered = tuple(dict.fromkeys(database for path in chosen.values() for database in path.databases))
    for name in names_in(db):
        if name not in offered:
            raise UsageFault(f"no path of this nightly uses the database {name!r}; it uses {', '.join(offered)}")
    return chosen


def _seconds(whole: Sequence[Unit], chosen: Mapping[str, UpgradePath], past: History | None) -> Mapping[Unit, float]:
    """How long each part takes, from earlier runs where there are any."""
    took = durations(past) if past else {}
    things = {unit: thing_of(unit, chosen) for unit in whole}
    return expected(whole, {unit: took[thing] for unit, thing in things.items() if thing in took})


def _list(units: Sequence[Unit], seconds: Mapping[Unit, float], console: Console, as_json: bool) -> None:
    if as_json:
        facts = [
            {"path": u.path, "database": u.database, "what": u.what, "seconds": round(seconds[u], 1)} for u in units
        ]
        typer.echo(json.dumps(facts, indent=2))
        return
    table = Table("path", "database", "what", "expected", box=None)
    for unit in units:
        table.add_row(unit.path, unit.database, unit.what, duration(seconds[unit]))
    console.print(table)
    console.print(f"{counted(len(units), '{n} unit[s]')}, about {duration(load(units, seconds))} one after the other")
