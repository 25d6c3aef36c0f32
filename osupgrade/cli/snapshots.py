"""``osupgrade snapshots``: the restored dumps that are kept, so that the next run starts in seconds."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from osupgrade.cli.options import Json
from osupgrade.lab.connect import connect
from osupgrade.lab.snapshots.store import LIMIT, SnapshotStore, limit
from osupgrade.model.quoting import visible
from osupgrade.report.terminal.console import terminal

app = typer.Typer(
    help="Restored dumps that are kept, so that the next run starts in seconds.",
    no_args_is_help=True,
    add_completion=False,
)
_SHOWN = ("key", "about", "bytes", "made", "used")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Show every snapshot: what it was made of, its size, when it was made and last used.

    Example: `osupgrade snapshots list`
    """
    found = list(SnapshotStore(connect()))
    if as_json:
        shown = [{name: value for name, value in asdict(record).items() if name in _SHOWN} for record in found]
        typer.echo(json.dumps(shown, indent=2))
        return
    table = Table("snapshot", "of", "MB", "made", "last used", box=None)
    for record in found:
        used = datetime.datetime.fromtimestamp(record.used, datetime.UTC).isoformat(timespec="seconds")
        table.add_row(record.key, visible(record.about), f"{record.bytes / 1e6:.0f}", visible(record.made), used)
    console = terminal()
    console.print(table)
    total = sum(record.bytes for record in found)
    console.print(f"{total / 1e9:.1f} of {limit() / 1e9:g} GB; {LIMIT} sets the limit, 0 keeps none", soft_wrap=True)


@app.command("remove")
def remove(keys: Annotated[list[str], typer.Argument(help="Snapshots to remove, by their key in the list.")]) -> None:
    """Remove snapshots. Those that active runs use are kept.

    Example: `osupgrade snapshots remove 875d4b88a1dbf747`
    """
    store = SnapshotStore(connect())
    for key in keys:
        gone = store.remove(key)
        terminal().print(f"removed the snapshot {gone.key} of {visible(gone.about)}", soft_wrap=True)
