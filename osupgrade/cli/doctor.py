"""``osupgrade doctor`` and ``osupgrade clean``: what is missing, and what was left."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import docker.errors
import typer
from rich.text import Text

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.lab.connect import connect
from osupgrade.lab.images import ImageStore, database_for
from osupgrade.lab.leftovers import leftovers, remove_leftover
from osupgrade.lab.snapshots.store import SnapshotStore
from osupgrade.lab.sources import Sources
from osupgrade.model.errors import Exit, Fault, MissingFault
from osupgrade.model.places import cache_directory
from osupgrade.model.text import counted
from osupgrade.report.terminal.console import terminal

NEEDED_BYTES = 6_000_000_000
"""Images, volumes and a default cloud of one path, measured."""


@dataclass(frozen=True)
class Need:
    """Something the lab needs: whether it is there, and how to get it."""

    name: str
    there: bool
    says: str
    remedy: str = ""


def doctor() -> int:
    """Check what the lab needs on this machine. Exits 3 when something is missing, and says how to get it.

    Example: `osupgrade doctor`
    """
    console = terminal()
    needs = list(_needs())
    for need in needs:
        mark = ("ok     ", "green") if need.there else ("missing", "red")
        console.print(Text.assemble(mark, f" {need.name}: {need.says}"), soft_wrap=True)
        if not need.there:
            console.print(f"        get it: {need.remedy}", soft_wrap=True)
    return Exit.CAME_THROUGH if all(need.there for need in needs) else Exit.MISSING


def clean(
    everything: Annotated[
        bool, typer.Option("--all", help="Also remove images, volumes and snapshots that are kept for speed.")
    ] = False,
    running: Annotated[bool, typer.Option("--running", help="Also remove what belongs to active runs.")] = False,
) -> None:
    """Remove what interrupted runs, or runs with --keep, left on the engine. Active runs are not touched.

    Example: `osupgrade clean`
    """
    console = terminal()
    client = connect()
    found = [left for left in leftovers(client) if running or not left.alive]
    kept: list[tuple[str, str]] = []
    for left in found:
        try:
            remove_leftover(client, left)
        except docker.errors.APIError as fault:
            kept.append((f"{left.kind} {left.name}", fault.explanation or str(fault)))
        else:
            console.print(f"removed {left.kind} {left.name}")
    store = SnapshotStore(client)
    unfinished = store.sweep()
    for name in unfinished:
        console.print(f"removed the unfinished snapshot {name}")
    if everything:
        for name in store.remove_all():
            console.print(f"removed the snapshot {name}")
        for line in ImageStore(client).remove_all():
            console.print(line)
        for volume in client.volumes.list(filters={"label": "org.osupgrade=source"}):
            volume.remove()
            console.print(f"removed volume {volume.name}")
        for directory in ("clouds", "readings"):
            shutil.rmtree(cache_directory() / directory, ignore_errors=True)
    if not found and not unfinished and not everything:
        console.print("nothing to remove")
    if kept:
        raise MissingFault(
            f"the Docker engine does not remove {', '.join(name for name, _ in kept)}",
            evidence="\n".join(reason for _, reason in kept),
            hint="restart the Docker engine, then run osupgrade clean again",
        )


def _needs() -> Iterator[Need]:
    yield _need("git", lambda: shutil.which("git") or "", "install git")
    try:
        client = connect()
    except MissingFault as fault:
        yield Need("Docker engine", False, fault.message, fault.hint)
        return
    info = client.info()
    yield Need("Docker engine", True, f"{info.get('ServerVersion')} on {info.get('Architecture')}")
    free = shutil.disk_usage(cache_directory().parent if cache_directory().parent.exists() else "/").free
    yield Need(
        "disk",
        free > NEEDED_BYTES,
        f"{free / 1e9:.0f} GB free",
        f"free {NEEDED_BYTES / 1e9:.0f} GB; osupgrade clean --all",
    )
    releases = load_releases()
    missing = [s for s in Sources(releases).states() if s.problem]
    yield Need(
        "service code of the pinned commits",
        not missing,
        counted(len(missing), "{n} commit[s] missing") if missing else "all commits available",
        "osupgrade sources fetch, or osupgrade sources import DIR",
    )
    store = ImageStore(client)
    for path in load_paths().values():
        database, _ = database_for(str(info.get("Architecture", "")), path.databases[0])
        absent = [name for name in (*path.releases, database) if not store.present(name)]
        yield Need(
            f"images for {path.name}",
            not absent,
            f"to build: {', '.join(absent)}" if absent else "built",
            f"osupgrade images build --path {path.name} (a rehearsal does it too)",
        )


def _need(name: str, look: Callable[[], str], remedy: str) -> Need:
    try:
        found = look()
    except Fault as fault:
        return Need(name, False, fault.message, fault.hint or remedy)
    return Need(name, bool(found), found or "not found", remedy)
