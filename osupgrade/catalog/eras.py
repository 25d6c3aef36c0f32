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
    wanted = set(versions)
    return tuple(
        era for era in eras() if wanted and wanted in (set(ends.get(database, ())) for ends in (era.ends, era.also))
    )


def said_of(database: str, versions: Sequence[str]) -> str:
    """In words of which release these versions are: ``that of Queens (2018.1)``, or between two; empty if unknown."""
    if found := ending_at(database, versions):
        first, last = found[0].title, found[-1].title
        return f"that of {first}" if first == last else f"that of {first} to {last}"
    here = numbers(versions)
    if not here:
        return ""
    known = [(numbers(era.ends.get(database, ())), era) for era in eras()]
    before = max((pair for pair in known if () < pair[0] < here), key=lambda pair: pair[0], default=None)
    after = min((pair for pair in known if pair[0] > here), key=lambda pair: pair[0], default=None)
    return f"between those of {before[1].title} and {after[1].title}" if before and after else ""


def numbers(versions: Sequence[str]) -> tuple[int, ...]:
    """Numbered versions with the highest first; empty where they are not numbers.

    Where a table has one row for each of several repositories, the highest is that of the service itself, which alone
    goes on counting: 109, 44, 44, 44 is newer than 44.
    """
    if not versions or not all(version.isdigit() and version.isascii() for version in versions):
        return ()
    return tuple(sorted((int(version) for version in versions), reverse=True))
