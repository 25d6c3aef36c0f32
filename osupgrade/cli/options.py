"""Options that several commands share, and reading what they name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from osupgrade.errors import MissingFault
from osupgrade.plan import Plan, find_path, make_plan
from osupgrade.releases import load_paths, load_releases, root
from osupgrade.scenario import ScenarioSet, load_scenarios
from osupgrade.site import Site, read_site
from osupgrade.sources import Sources

PathName = Annotated[
    str, typer.Option("--path", help="The upgrade path: a name, FIRST-LAST, or versions such as 2024.1-2025.1.")
]
SiteFile = Annotated[Path | None, typer.Option("--site", help="What the database cannot tell: a site.toml.")]
Services = Annotated[str, typer.Option("--services", help="Only these services, with commas between.")]
DatabaseKind = Annotated[str, typer.Option("--db", help="mysql56, mariadb105 or auto (the path's first).")]
Out = Annotated[Path, typer.Option("--out", help="Directory that takes run directories.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Chains or scenarios side by side.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MoreScenarios = Annotated[list[Path] | None, typer.Option("--scenarios", help="A directory of your own scenarios.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the verdict.")]

DEFAULT_PATH = "grizzly-icehouse"
AUTO = "auto"
"""As a path: the default one where its code is at hand or upstream gives it, otherwise one whose code is on PyPI."""


def chosen_path(path: str, say: Callable[[str], None]) -> str:
    """The path's name, with ``auto`` decided; says in a banner why the default path could not be taken."""
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


def plan_from(path: str, services: str = "") -> Plan:
    """The plan that ``--path`` and ``--services`` name."""
    releases = load_releases()
    wanted = [name.strip() for name in services.split(",") if name.strip()]
    return make_plan(find_path(load_paths(), releases, path), releases, wanted)


def site_from_option(file: Path | None) -> Site:
    """The site that ``--site`` names, or the default."""
    return read_site(file) if file else Site()


def all_scenarios(more: Sequence[Path] | None) -> ScenarioSet:
    """The lab's own scenarios and those of ``--scenarios``."""
    return load_scenarios([root() / "scenarios", *(more or ())])
