"""``osupgrade report``: show a finished run again, or write other views of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from osupgrade.cli.options import plan_from
from osupgrade.errors import UsageFault
from osupgrade.report.json import read_json
from osupgrade.report.runbook import runbook
from osupgrade.report.terminal import matrix, verdict
from osupgrade.rundir import find_run


def report(
    run: Annotated[str, typer.Argument(help="A run directory, or its name below runs/.")] = "latest",
    as_runbook: Annotated[bool, typer.Option("--runbook", help="Print the operator's page for the night.")] = False,
) -> int:
    """Show the verdict of a finished run and where its evidence lies.

    Example: `osupgrade report runs/latest --runbook`
    """
    found = find_run(run)
    data = read_json(Path(found.path) / "report.json")
    console = Console(highlight=False)
    if as_runbook:
        if data.result is None:
            raise UsageFault(f"{found.path} is no rehearsal, and a runbook is made of one", hint="osupgrade rehearse")
        # Not through rich: a command must not be wrapped.
        typer.echo(runbook(data, plan_from(data.result.path, ",".join(data.result.services))))
        return data.exit_status
    if data.scenarios:
        matrix(data.scenarios, console)
    verdict(data, console)
    console.print(f"evidence: {found.path.resolve()}/report.html", soft_wrap=True)
    return data.exit_status
