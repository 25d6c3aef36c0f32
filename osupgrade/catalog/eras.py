"""Of which release a database is by its version table, over all releases: those of the lab, and those between them."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osupgrade.catalog import content
from osupgrade.catalog.identity import heads
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.revisions import behind, known
from osupgrade.catalog.versions import ends_at


@dataclass(frozen=True)
class Era:
    """A release by what its version tables hold at its end. ``ends`` are the heads by the databases' logical names."""

    name: str
    version: str
    ends: Mapping[str, tuple[str, ...]]
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where a database may end instead, by another of the release's commands."""

    @property
    def title(self) -> str:
        """How it is written: ``Queens (2018.1)``."""
        return f"{self.name.capitalize()} ({self.version})"

    @property
    def order(self) -> tuple[int, ...]:
        """Its place among all releases."""
        return tuple(int(part) for part in self.version.split(".")[:2])


@functools.cache
def eras() -> tuple[Era, ...]:
    """Every release, those without an image too, the oldest first."""
    read = tomllib.loads(content.service_file("common", "eras.toml").read_text("utf-8"))
    other = {name: _ends(entry) for name, entry in read.items() if "also" in entry}
    found = [Era(name, entry["version"], _ends(entry)) for name, entry in read.items() if "also" not in entry]
    for release in load_releases().values():
        names = {database.name for part in release.services.values() for database in part.databases}
        ends = {name: heads(name, [release])[release.name] for name in names}
        found.append(Era(release.name, release.version, ends, other.get(release.name, {})))
    return tuple(sorted(found, key=lambda era: era.order))


def _ends(entry: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    return {key: tuple(text.split()) for key, text in entry.items() if key not in ("version", "also")}


def ending_at(database: str, versions: Sequence[str]) -> tuple[Era, ...]:
    """The releases at whose end a database's version table holds just this; several where nothing changed between."""
    return tuple(
        era for era in eras() if any(ends_at(versions, ends.get(database, ())) for ends in (era.ends, era.also))
    )


def brought_by(database: str, revision: str) -> str:
    """The first release that has a numbered revision at its end or before; empty where that is not known."""
    if not (revision.isascii() and revision.isdigit()):
        return ""
    ends = ((era.name, era.ends.get(database)) for era in eras())
    return next((name for name, end in ends if end and behind(database, end, (revision,))), "")


def said_of(database: str, versions: Sequence[str]) -> str:
    """In words of which release these versions are: ``that of Queens (2018.1)``, or between two; empty if unknown."""
    if found := ending_at(database, versions):
        first, last = found[0].title, found[-1].title
        return f"that of {first}" if first == last else f"that of {first} to {last}"
    if not known(database, versions):
        return ""
    ends = [(era, era.ends[database]) for era in eras() if era.ends.get(database)]
    before = [era for era, head in ends if behind(database, versions, head)]
    after = [era for era, head in ends if behind(database, head, versions)]
    return f"between those of {before[-1].title} and {after[0].title}" if before and after else ""


def clause_of(database: str, versions: Sequence[str]) -> str:
    """The same to begin a sentence with: ``its version is that of Queens (2018.1); ``; empty if unknown."""
    known = said_of(database, versions)
    return f"its version is {known}; " if known else ""
