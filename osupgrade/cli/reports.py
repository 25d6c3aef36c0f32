"""``osupgrade report``: show a finished run again, or write other views of it and of those before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from osupgrade.cli.options import HistoryFile, Out, plan_from
from osupgrade.history import History, accept, default_file, past_runs
from osupgrade.history.rundir import RunDirectory, find_run
from osupgrade.history.trend import trends
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.report import RunReport
from osupgrade.nightly.join import join, merged_manifest, read_shards, worst
from osupgrade.rehearsal.manifest import blank_manifest, now
from osupgrade.report.compare import compared
from osupgrade.report.digest import servers_moved_to
from osupgrade.report.json import read_json
from osupgrade.report.runbook import runbook
from osupgrade.report.terminal.console import terminal
from osupgrade.report.terminal.tables import api_table, comparison, matrix, parts_table
from osupgrade.report.terminal.verdict import verdict
from osupgrade.report.trend import trend_html, trend_table
from osupgrade.report.write import write_reports


def report(
    runs: Annotated[
        list[str] | None, typer.Argument(help="Run directory, or its name below runs/ (default: the latest).")
    ] = None,
    as_runbook: Annotated[bool, typer.Option("--runbook", help="Print the runbook for the upgrade night.")] = False,
    apis: Annotated[bool, typer.Option("--apis", help="Show the responses of the real APIs, with times.")] = False,
    as_trend: Annotated[bool, typer.Option("--trend", help="Plot all recorded runs over time, into --out.")] = False,
    accepted: Annotated[
        bool, typer.Option("--accept", help="Accept this run: compare later runs of the same input with it.")
    ] = False,
    joined: Annotated[
        bool, typer.Option("--join", help="Join the reports of several shards into one, below --out.")
    ] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Compare two runs.")] = False,
    history: HistoryFile = None,
    out: Out = Path("runs"),
) -> int:
    """Show the verdict of a finished run, and where its files are.

    Examples: `osupgrade report runs/latest --runbook`, `osupgrade report RUN1 RUN2 --compare`,
    `osupgrade report --trend`, `osupgrade report --join shard-1 shard-2`
    """
    console = terminal()
    _one_at_most(
        {
            "--runbook": as_runbook,
            "--apis": apis,
            "--trend": as_trend,
            "--accept": accepted,
            "--join": joined,
            "--compare": compare,
        }
    )
    if as_trend:
        return _trend(History(history or default_file()), out / "trend.html", console)
    if joined:
        return _join([Path(run) for run in runs or ()], out, History(history) if history else None, console)
    if compare:
        return _compare(runs or (), console)
    if runs and len(runs) > 1:
        raise UsageFault("one run at a time", hint="osupgrade report --join DIR DIR makes one report of several")
    found = Path(find_run(runs[0] if runs else "latest").path)
    data = read_json(found / "report.json")
    if accepted:
        typer.echo(accept(data, History(history or default_file())))
        return Exit.CAME_THROUGH
    if as_runbook:
        _runbook(found, data)
    elif apis:
        if not data.api:
            raise UsageFault(f"no API was queried in {found}", hint="osupgrade rehearse --verify full")
        api_table(data.api, console)
    else:
        _verdict(found, data, console)
    return data.exit_status


def _runbook(found: Path, data: RunReport) -> None:
    if data.result is None:
        raise UsageFault(f"{found} is not a rehearsal, and only a rehearsal has a runbook", hint="osupgrade rehearse")
    # Not through rich: a command must not be wrapped.
    plan = plan_from(data.result.path, ",".join(data.result.services))
    typer.echo(runbook(data, dataclasses.replace(plan, servers=servers_moved_to(data.result))))


def _verdict(found: Path, data: RunReport, console: Console) -> None:
    if data.parts:
        parts_table(data.parts, console)
    if data.scenarios:
        matrix(data.scenarios, console)
    verdict(data, console)
    console.print(f"evidence: {found.resolve()}/report.html", soft_wrap=True)


def _one_at_most(given: Mapping[str, bool]) -> None:
    named = [option for option, is_given in given.items() if is_given]
    if len(named) > 1:
        raise UsageFault(f"{' and '.join(named)} are different views: choose one", hint="osupgrade report --help")


def _compare(runs: Sequence[str], console: Console) -> int:
    if len(runs) != 2:
        raise UsageFault("--compare takes two runs", hint="osupgrade report RUN1 RUN2 --compare")
    found = [find_run(run).path for run in runs]
    reports = [read_json(path / "report.json") for path in found]
    plans = []
    for run, data in zip(runs, reports, strict=True):
        if data.result is None:
            raise UsageFault(
                f"{run} is not a rehearsal, and only rehearsals can be compared", hint="osupgrade rehearse"
            )
        plans.append(plan_from(data.result.path, ",".join(data.result.services)))
    names = [path.resolve().name for path in found]
    comparison(compared(reports[0], reports[1], (plans[0], plans[1])), names, console)
    return worst(data.exit_status for data in reports)


def _join(directories: Sequence[Path], out: Path, history: History | None, console: Console) -> int:
    shards = read_shards(directories)
    run = RunDirectory.make(out, "nightly-joined")
    report = join(shards, run.path, merged_manifest(blank_manifest(now()), shards.values()))
    if history:
        for shard in shards.values():
            for past in past_runs(shard):
                history.add(past)
    write_reports(report, run)
    run.finish()
    parts_table(report.parts, console)
    verdict(report, console)
    console.print(f"evidence: {run.path}/report.html", soft_wrap=True)
    return report.exit_status


def _trend(history: History, out: Path, console: Console) -> int:
    drawn = trends(history.all())
    if not drawn:
        raise UsageFault(f"no run is recorded in {history.file} yet", hint="osupgrade rehearse")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(trend_html(drawn), "utf-8")
    except OSError as fault:
        raise UsageFault(f"cannot write {out}: {fault.strerror}", hint="choose another --out") from fault
    trend_table(drawn, console)
    console.print(f"drawn: {out}", soft_wrap=True)
    return Exit.CAME_THROUGH
