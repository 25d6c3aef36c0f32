"""``osupgrade routes``: the ways from one release to another, with their stops and the reasons for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.cli.options import HistoryFile, Json, NoHistory, Services, history_from, usual_seconds
from osupgrade.history import History, Thing, how_of, subject_of
from osupgrade.model.chain import known_release
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.plan import path_along
from osupgrade.model.release import Release
from osupgrade.model.route import NoRoute, Route, alternatives, stretches
from osupgrade.model.text import counted, duration
from osupgrade.report.terminal.console import terminal


def routes(
    source: Annotated[
        str, typer.Option("--from", help="Release that the cloud runs now: a name or a version id.")
    ] = "",
    target: Annotated[str, typer.Option("--to", help="Release to upgrade to: a name or a version id.")] = "",
    services: Services = "",
    history: HistoryFile = None,
    no_history: NoHistory = False,
    as_json: Json = False,
) -> int:
    """Show the routes between two releases: where each service stops and why, and how long that took before.

    Without --from and --to, show the releases between which there are routes.

    Example: `osupgrade routes --from yoga --to 2025.1`
    """
    releases = load_releases()
    if not source and not target:
        return _overview(releases, as_json)
    if not source or not target:
        raise UsageFault("give both --from and --to", hint="osupgrade routes lists the releases")
    first, last = known_release(releases, source), known_release(releases, target)
    wanted = [name.strip() for name in services.split(",") if name.strip()]
    past = history_from(history, no_history)
    found = [_facts(kind, route, past) for kind, route in alternatives(releases, first, last, wanted)]
    if as_json:
        typer.echo(json.dumps({"from": first.name, "to": last.name, "routes": found}, indent=2))
    else:
        _print(terminal(), first, last, found)
    return int(Exit.CAME_THROUGH if any("releases" in one for one in found) else Exit.DID_NOT)


def _overview(releases: Mapping[str, Release], as_json: bool) -> int:
    parts = stretches(releases)
    if as_json:
        names = [[{"name": release.name, "version": release.version} for release in part] for part in parts]
        typer.echo(json.dumps({"releases": names}, indent=2))
        return int(Exit.CAME_THROUGH)
    console = terminal()
    console.print("releases: there is a route from each to every later one on the same line", soft_wrap=True)
    for part in parts:
        console.print(f"  {', '.join(f'{each.name} ({each.version})' for each in part)}", soft_wrap=True)
    longest = max(parts, key=len)
    console.print(f"\nosupgrade routes --from {longest[0].name} --to {longest[-1].name}", soft_wrap=True)
    return int(Exit.CAME_THROUGH)


def _facts(kind: str, route: Route | UsageFault, past: History | None) -> dict[str, Any]:
    """One way to choose a route, as ``--json`` gives it."""
    if isinstance(route, UsageFault):
        obstacles = route.obstacles if isinstance(route, NoRoute) else ()
        return {
            "route": kind,
            "refused": route.message,
            "obstacles": [
                {
                    "service": one.hop.service,
                    "from": one.hop.source,
                    "to": one.hop.target,
                    "reason": one.reason,
                    "stops": list(one.stops),
                    "way": list(one.way),
                    "instead": one.instead,
                }
                for one in obstacles
            ],
        }
    return {
        "route": kind,
        "path": route.name,
        "releases": list(route.releases),
        "stops": {service: list(at) for service, at in route.stops.items()},
        "hops": len(route.hops),
        "reasons": {release: list(why) for release, why in route.reasons.items()},
        "seconds": _seconds(route, past),
    }


def _seconds(route: Route, past: History | None) -> float | None:
    """How long its last rehearsals took, on the usual database; None where there were none."""
    try:
        path = path_along(load_paths(), route, load_releases())
    except UsageFault:
        return None
    return usual_seconds(past, Thing(path.name, path.databases[0], subject_of([], False), how_of("smoke", 1)))


def _print(console: Console, first: Release, last: Release, found: list[dict[str, Any]]) -> None:
    console.print(f"from {first.name} ({first.version}) to {last.name} ({last.version})")
    for one in found:
        if "refused" in one:
            console.print(f"\n{one['route']}: not possible; {one['refused']}", soft_wrap=True)
            for each in one["obstacles"]:
                text = f"{each['service']}, {each['from']} to {each['to']}: {each['reason']}{each['instead']}"
                console.print(f"  {text}", soft_wrap=True)
            continue
        took = f", {duration(one['seconds'])} when last rehearsed" if one["seconds"] else ""
        steps, hops = counted(len(one["releases"]) - 1, "{n} step[s]"), counted(one["hops"], "{n} hop[s]")
        console.print(f"\n{one['route']}: {steps}, {hops}{took}", soft_wrap=True)
        console.print(f"  {' - '.join(one['releases'])}", soft_wrap=True)
        for release, why in one["reasons"].items() if one["route"] == "fewest" else ():
            console.print(f"  {release}, because", soft_wrap=True)
            for reason in why:
                console.print(f"    {reason}", soft_wrap=True)
        for service, at in one["stops"].items():
            if at != one["releases"]:
                console.print(f"  {service}: {' - '.join(at)}", soft_wrap=True)
    console.print(f"\nosupgrade rehearse --from {first.name} --to {last.name} --route ROUTE", soft_wrap=True)
