"""``osupgrade sanitize``: a dump that may leave the house."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from osupgrade.cli.options import DEFAULT_PATH, plan_from
from osupgrade.dump.policy import load_policy
from osupgrade.dump.sanitize import read_key
from osupgrade.dump.sanitize import sanitize as mask
from osupgrade.dump.source import read_dumps
from osupgrade.engine.database import start_database
from osupgrade.engine.lab import Lab, connect
from osupgrade.errors import Exit, UsageFault
from osupgrade.images import ImageStore
from osupgrade.laboratory import choose_database


def sanitize(
    dumps: Annotated[list[Path], typer.Argument(help="Dumps, or directories of them.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The sanitized dump; must not be there yet.")],
    key_file: Annotated[Path, typer.Option("--key-file", help="The key: the same key gives the same masks.")],
    policy: Annotated[Path | None, typer.Option("--policy", help="What to do otherwise with which column.")] = None,
) -> int:
    """Mask a dump so that it may leave the house and still has the same traps in it.

    Example: `osupgrade sanitize nova.sql.gz keystone.sql.gz -o clean.sql.gz --key-file key`
    """
    console = Console(highlight=False)
    key = read_key(key_file)
    rules = load_policy(policy)
    if out.exists():
        raise UsageFault(f"{out} is there already", hint="give another -o, or move it away")
    read = read_dumps(dumps)
    client = connect()
    image = choose_database(client, plan_from(DEFAULT_PATH), "auto", lambda text: console.print(text, markup=False))
    tag = ImageStore(client).ensure([image], lambda _progress: None)[image]
    with Lab(client) as lab, start_database(lab, tag, memory=False) as server:
        report = mask(server, read, out, key, rules, lambda text: console.print(text, markup=False, soft_wrap=True))
    for treatment, columns in sorted(report.treated.items()):
        console.print(f"{columns:6d} columns: {treatment}", markup=False)
    for column in report.unknown:
        console.print(f"unknown column, masked: {column}", markup=False)
    for what in report.left:
        console.print(f"taken out: {what}", markup=False)
    kept = sum(shape.same for shape in report.shapes)
    console.print(f"shape: {kept} of {len(report.shapes)} facts are the same before and after")
    for shape in report.shapes:
        if not shape.same:
            console.print(f"  {shape.what}: {shape.before} before, {shape.after} after", markup=False)
    console.print(f"leak scan: none of {report.masked_values} masked values in {report.scanned_bytes} bytes of output")
    console.print(f"wrote {out} in {report.seconds:.1f} s")
    return Exit.CAME_THROUGH
