"""Options that several commands share, and reading what they name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from osupgrade.catalog.releases import load_paths, load_releases, plan_named, usual_path
from osupgrade.catalog.site import Site, read_site
from osupgrade.dump.holdings import Holding
from osupgrade.dump.start import versions_of
from osupgrade.history import History, Thing, default_file, durations, remember
from osupgrade.lab.sources import Sources
from osupgrade.model.chain import known_release
from osupgrade.model.errors import MissingFault, UsageFault
from osupgrade.model.plan import Plan
from osupgrade.model.report import RunReport
from osupgrade.model.route import KINDS
from osupgrade.rehearsal.prepare import path_of

_PATH_HELP = "Upgrade path: a name, FIRST-LAST, or version ids such as 2024.1-2025.1"
PathName = Annotated[str, typer.Option("--path", help=f"{_PATH_HELP}.")]
PathOfDump = Annotated[str, typer.Option("--path", help=f"{_PATH_HELP} (default: the path of the dumps).")]
Source = Annotated[str, typer.Option("--from", help="Release that the cloud runs now: a name or a version id.")]
Target = Annotated[str, typer.Option("--to", help="Release to upgrade to: a name or a version id.")]
RouteKind = Annotated[
    str,
    typer.Option("--route", help="Releases to stop at: supported (by upstream), every, fewest or direct."),
]
Via = Annotated[str, typer.Option("--via", help="Releases to stop at, separated by commas, instead of --route.")]
SiteFile = Annotated[
    Path | None, typer.Option("--site", help="Site settings that are not in the database (site.toml).")
]
Services = Annotated[str, typer.Option("--services", help="Only these services, separated by commas.")]
DatabaseKind = Annotated[
    str,
    typer.Option(
        "--db",
        help="Database server: mysql56, mysql97, mariadb105, mariadb1011, mariadb118 or auto (like the dump's).",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Directory for run output.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Number of services or scenarios to run in parallel.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MoreScenarios = Annotated[list[Path] | None, typer.Option("--scenarios", help="Directory with your own scenarios.")]
HistoryFile = Annotated[
    Path | None,
    typer.Option("--history", help="History of past runs (default: in the user's state directory)."),
]
NoHistory = Annotated[
    bool, typer.Option("--no-history", help="Do not compare with earlier runs, and do not record this one.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the verdict.")]

DEFAULT_PATH = usual_path()
AUTO = "auto"
"""As a path: the default one where its code is available here or upstream, otherwise one whose code is on PyPI."""


def chosen_path(path: str, say: Callable[[str], None]) -> str:
    """The path's name, with ``auto`` decided; says in a banner why the default path is not used."""
    if path != AUTO:
        return path
    releases = load_releases()
    paths = load_paths()
    default = {name: releases[name] for name in paths[DEFAULT_PATH].releases}
    sources = Sources(default)
    if not sources.missing(sources.services):
        return DEFAULT_PATH
    try:
        sources.fetch(say)
        return DEFAULT_PATH
    except MissingFault as fault:
        for name, candidate in paths.items():
            if all(part.pin is None for r in candidate.releases for part in releases[r].services.values()):
                say(f"*** {DEFAULT_PATH} cannot be rehearsed here: {fault.message}.")
                say(f"*** {fault.hint}.")
                say(f"*** Rehearsing {name} instead: its services come from PyPI.")
                return name
        raise


def route_text(source: str, target: str, kind: str = "", via: str = "", *, dumps: bool = False) -> str:
    """A route's ends, and its stops or how they are chosen, as ``--path`` takes them; empty without any.

    With ``dumps`` the first end may be left out: it is what they are, and the text begins with a hyphen. Raises
    UsageFault for what is no route.
    """
    stops = [name.strip() for name in via.split(",") if name.strip()]
    if not (source or target):
        if kind or stops:
            raise UsageFault(
                "--route and --via need --from and --to", hint="osupgrade rehearse --from RELEASE --to RELEASE"
            )
        return ""
    if not target or not (source or dumps):
        given, other = ("--from", "--to") if source else ("--to", "--from")
        raise UsageFault(f"{given} needs {other}", hint="osupgrade rehearse --from RELEASE --to RELEASE")
    if kind and stops:
        raise UsageFault("--route and --via cannot be combined")
    if kind and kind not in KINDS:
        raise UsageFault(f"--route must be one of {', '.join(KINDS)}, not {kind!r}")
    releases = load_releases()
    ends = [known_release(releases, name).name for name in (*([source] if source else []), *stops, target)]
    return "-".join([*([] if source else [""]), *ends, *([kind] if kind else [])])


def path_of_dumps(held: Sequence[Holding]) -> str:
    """The path that dumps are on, by what they hold."""
    return path_of(versions_of(held))


def plan_from(path: str, services: str = "") -> Plan:
    """The plan that ``--path`` and ``--services`` name."""
    return plan_named(path, names_in(services))


def names_in(text: str) -> tuple[str, ...]:
    """The names in a list with commas between, each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def history_from(file: Path | None, off: bool) -> History | None:
    """The store of past runs, opened before anything is started; None when nothing is to be remembered.

    Raises UsageFault when the given file cannot be used; if the default one cannot, there is only a warning.
    """
    if off:
        if file:
            raise UsageFault("--history and --no-history cannot be combined")
        return None
    try:
        return History(file or default_file())
    except UsageFault as fault:
        if file:
            raise
        typer.echo(f"this run will not be recorded: {fault.message}", err=True)
        return None


def remembered(report: RunReport, history: History | None) -> RunReport:
    """Keep a report for later runs; what goes wrong with the store is a note in it."""
    if history is None:
        return report
    try:
        remember(report, history)
    except UsageFault as fault:
        return dataclasses.replace(report, notes=(*report.notes, f"not recorded: {fault.message}"))
    return report


def usual_seconds(history: History | None, thing: Thing) -> float | None:
    """How long something takes, by what is remembered; None when nothing is."""
    try:
        return durations(history).get(thing) if history else None
    except UsageFault:
        return None  # reported when the run is to be remembered


def site_from_option(file: Path | None) -> Site:
    """The site that ``--site`` names, or the default."""
    return read_site(file) if file else Site()
