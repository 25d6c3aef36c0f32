"""``osupgrade images``: the runtimes and database servers the lab is made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import docker
import typer
from rich.table import Table

from osupgrade.catalog.releases import load_paths
from osupgrade.catalog.running import load_running
from osupgrade.cli.options import DEFAULT_PATH, Json, plan_from
from osupgrade.cli.progress import building
from osupgrade.lab.connect import connect
from osupgrade.lab.images import ImageStore, database_for
from osupgrade.model.errors import MissingFault
from osupgrade.model.text import counted
from osupgrade.report.terminal.console import terminal

app = typer.Typer(
    help="The lab's images: build them, list them, carry them elsewhere.", no_args_is_help=True, add_completion=False
)


@app.command("build")
def build(
    names: Annotated[
        list[str] | None, typer.Argument(help="Images to build (default: all that the path needs).")
    ] = None,
    path: Annotated[str, typer.Option("--path", help="Upgrade path whose images to build.")] = DEFAULT_PATH,
    everything: Annotated[bool, typer.Option("--all", help="Build the images of all paths.")] = False,
) -> None:
    """Build what is missing or out of date, in parallel.

    Example: `osupgrade images build --path grizzly-icehouse`
    """
    client = connect()
    wanted = names or _needed(client, tuple(load_paths()) if everything else (path,))
    console = terminal()
    with building(console) as progress:
        tags = ImageStore(client).ensure(wanted, progress)
    for tag in tags.values():
        console.print(tag)


@app.command("save")
def save(
    file: Annotated[Path, typer.Argument(help="Archive to write: .tar, or .tar.zst to compress it.")],
    path: Annotated[str, typer.Option("--path", help="Only the images of this path.")] = "",
) -> None:
    """Write the built images into one archive, for a CI cache or a machine without a network.

    Example: `osupgrade images save images.tar.zst`
    """
    client = connect()
    store = ImageStore(client)
    wanted = _needed(client, (path,)) if path else [n for n in _needed(client, tuple(load_paths())) if store.present(n)]
    if not wanted:
        raise MissingFault("no image is built", hint="osupgrade images build --all")
    size = store.save(wanted, file)
    terminal().print(f"{file}: {counted(len(wanted), '{n} image[s]')}, {size / 1e6:.0f} MB", soft_wrap=True)


@app.command("load")
def load(file: Annotated[Path, typer.Argument(help="Archive written by `osupgrade images save`.")]) -> None:
    """Load images from an archive. Images that have changed since are rebuilt when they are needed.

    Example: `osupgrade images load images.tar.zst`
    """
    console = terminal()
    for tag in ImageStore(connect()).load(file):
        console.print(tag)


def _needed(client: docker.DockerClient, paths: Sequence[str]) -> list[str]:
    """The images that rehearsals of some paths need on this engine's machine: releases, databases, brokers."""
    machine = str(client.info().get("Architecture", ""))
    names: dict[str, None] = {}
    for plan in map(plan_from, paths):
        running = load_running(plan.last.name)
        databases = [database_for(machine, name)[0] for name in plan.path.databases]
        brokers = [running.broker] if running and running.broker else []
        names |= dict.fromkeys((*(release.name for release in plan.releases), *databases, *brokers))
    return list(names)


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
    terminal().print(table)
