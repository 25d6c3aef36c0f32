"""``osupgrade images``: the runtimes and database servers the lab is made of."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from osupgrade.cli.options import DEFAULT_PATH, Json, plan_from
from osupgrade.engine.lab import connect
from osupgrade.images import ImageStore, database_for

app = typer.Typer(help="The lab's images: build them, list them.", no_args_is_help=True)


@app.command("build")
def build(
    names: Annotated[list[str] | None, typer.Argument(help="Images to build; none: all that the path needs.")] = None,
    path: Annotated[str, typer.Option("--path", help="The path whose images are built.")] = DEFAULT_PATH,
) -> None:
    """Build what is missing or out of date, side by side.

    Example: `osupgrade images build --path grizzly-icehouse`
    """
    plan = plan_from(path)
    client = connect()
    machine = str(client.info().get("Architecture", ""))
    databases = dict.fromkeys(database_for(machine, name)[0] for name in plan.path.databases)
    wanted = names or [*(release.name for release in plan.releases), *databases]
    console = Console(highlight=False)
    tags = ImageStore(client).ensure(wanted, lambda progress: console.print(str(progress), markup=False))
    for tag in tags.values():
        console.print(tag)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Show every image, its tag, whether it is built, and its size.

    Example: `osupgrade images list`
    """
    found = ImageStore(connect()).list()
    if as_json:
        typer.echo(json.dumps([asdict(image) for image in found], indent=2, default=str))
        return
    table = Table("image", "tag", "built", "MB", box=None)
    for image in found:
        size = f"{image.size / 1e6:.0f}" if image.present else ""
        table.add_row(image.name, image.tag, "yes" if image.present else "no", size)
    Console(highlight=False).print(table)
