"""``osupgrade sources``: the services' code in the user's cache."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from osupgrade.catalog.releases import load_releases
from osupgrade.cli.options import Json
from osupgrade.lab.sources import Sources, SourceState
from osupgrade.model.errors import Exit
from osupgrade.report.terminal.console import terminal

app = typer.Typer(
    help="The services' pinned code: fetch it, import it, check it.", no_args_is_help=True, add_completion=False
)


@app.command("fetch")
def fetch() -> None:
    """Fetch the pinned commits from upstream (GitHub, then opendev) into the cache.

    Example: `osupgrade sources fetch`
    """
    Sources(load_releases()).fetch(terminal().print)


@app.command("import")
def import_(directory: Annotated[Path, typer.Argument(help="Directory with git repositories, bare or not.")]) -> None:
    """Copy the pinned commits from a directory of mirrors: `keystone`, `keystone.git` or `openstack+keystone/repo`.

    Example: `osupgrade sources import /mnt/mirrors`
    """
    Sources(load_releases()).import_from(directory, terminal().print)


@app.command("verify")
def verify() -> int:
    """Check that every pinned commit is available. Exits 3 when one is not.

    Example: `osupgrade sources verify`
    """
    states = Sources(load_releases()).states()
    _show(states)
    return Exit.MISSING if any(state.problem for state in states) else Exit.CAME_THROUGH


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Show the pinned commits and whether they are available.

    Example: `osupgrade sources list --json`
    """
    states = Sources(load_releases()).states()
    if as_json:
        typer.echo(json.dumps([asdict(state) for state in states], indent=2))
    else:
        _show(states)


def _show(states: tuple[SourceState, ...]) -> None:
    table = Table("release", "service", "tag", "commit", "state", box=None)
    for state in states:
        mark = Text(state.problem, "red") if state.problem else Text("available", "green")
        table.add_row(state.release, state.service, state.pin.tag, state.pin.commit[:12], mark)
    terminal().print(table)
