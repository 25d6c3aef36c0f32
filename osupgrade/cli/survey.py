"""``osupgrade survey``: how the operator's own database server is set up."""

from __future__ import annotations

from typing import Annotated

import typer

from osupgrade.catalog.survey import QUERY
from osupgrade.lab.live_server import LiveServer


def survey(
    url: Annotated[str, typer.Option("--url", help="Query this server: mysql://USER:PASSWORD@HOST:PORT/.")] = "",
) -> None:
    """Print a query that shows how a database server is configured, or run it with --url.

    A dump does not say the defaults of its server, and on them it depends whether some migrations pass. Give what the
    statements print to `osupgrade rehearse --survey FILE`.

    Example: `mysql --batch -e "$(osupgrade survey)" > survey.txt`
    """
    if not url:
        typer.echo(QUERY)
        return
    server = LiveServer(url)
    for statement in QUERY.split(";\n"):
        for row in server.rows("", statement.rstrip(";")):
            typer.echo("\t".join("NULL" if cell is None else _escaped(str(cell)) for cell in row))


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
