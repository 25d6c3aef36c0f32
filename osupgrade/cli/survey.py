"""``osupgrade survey``: how the operator's own database server is set up, and how fast its host is."""

from __future__ import annotations

from typing import Annotated

import typer

from osupgrade.catalog.survey import QUERY
from osupgrade.lab.live_server import LiveServer
from osupgrade.model.errors import UsageFault
from osupgrade.rehearsal.estimate.host import SCRIPT


def survey(
    url: Annotated[str, typer.Option("--url", help="Query this server: mysql://USER:PASSWORD@HOST:PORT/.")] = "",
    speed: Annotated[bool, typer.Option("--speed", help="Print a script that measures how fast a host is.")] = False,
) -> None:
    """Print a query that shows how a database server is configured, or run it with --url.

    A dump does not contain the defaults of its server, and some migrations depend on them. Pass the output to
    `osupgrade rehearse --survey FILE`.

    With --speed, print a script for any Python. Run it on your controller, `python measure_host.py > host.json`,
    and pass its output to `osupgrade rehearse --estimate --factor-file host.json`.

    Example: `mysql --batch -e "$(osupgrade survey)" > survey.txt`
    """
    if speed and url:
        raise UsageFault("--speed and --url cannot be combined: run the script on the host itself")
    if speed:
        typer.echo(SCRIPT.read_text("utf-8"), nl=False)
        return
    if not url:
        typer.echo(QUERY)
        return
    server = LiveServer(url)
    for statement in QUERY.split(";\n"):
        for row in server.rows("", statement.rstrip(";")):
            typer.echo("\t".join("NULL" if cell is None else _escaped(str(cell)) for cell in row))


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
