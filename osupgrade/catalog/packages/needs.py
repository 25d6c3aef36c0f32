"""What a release requires, and what a package manager makes of it. Nothing here does any I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


@dataclass(frozen=True)
class Need:
    """A service or a library requires a package, in versions of ``specifier``."""

    who: str
    name: str
    """In PyPI's normal form."""
    specifier: SpecifierSet

    def met_by(self, version: str) -> bool:
        """Whether a version will do; one that cannot be read will."""
        try:
            return self.specifier.contains(Version(version), prereleases=True)
        except InvalidVersion:
            return True

    def overtaken_by(self, version: str) -> bool:
        """Whether a version is too new: nothing is wrong with it but an upper bound."""
        try:
            there = Version(version)
            return not self.met_by(version) and all(
                part.contains(there, prereleases=True) or (part.operator != "!=" and Version(part.version) < there)
                for part in self.specifier
            )
        except InvalidVersion:
            return False


@dataclass(frozen=True)
class Library:
    """A distribution on a release's shelf: what its packages would install, and what that requires in turn."""

    name: str
    version: str
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class Asked:
    """What one release requires, and what it offers. ``needs`` are its services', ``shelf`` its libraries."""

    release: str
    needs: tuple[Need, ...]
    shelf: Mapping[str, Library]


@dataclass(frozen=True)
class Left:
    """A package that is not upgraded although the release requires another version."""

    name: str
    version: str
    shelf: str
    """The version that the release was rehearsed with."""
    needs: tuple[Need, ...]
    """Those who ask for more."""

    @property
    def wanted(self) -> str:
        """All bounds together, as pip takes them."""
        bounds = {str(part) for need in self.needs for part in need.specifier}
        return ",".join(sorted(bounds))

    @property
    def target(self) -> str:
        """A version that will do: the shelf's, or where the release was rehearsed with less, the least asked for."""
        if self.shelf and all(need.met_by(self.shelf) for need in self.needs):
            return self.shelf
        least = [Version(p.version) for need in self.needs for p in need.specifier if p.operator in (">=", "==", ">")]
        return str(max(least, default=self.shelf))


def read_need(who: str, line: str, environment: Mapping[str, str]) -> Need | None:
    """A line of a requirements file or of a package's metadata; None for one that requires nothing here.

    ``environment`` are the markers of the release's Python. A bound that no tool of today reads (pytz's ``2010h``)
    leaves the name without it.
    """
    text = line.split("#")[0].strip()
    if not text or text.startswith("-"):
        return None
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        name = text.split(">")[0].split("=")[0].split("<")[0].strip()
        return Need(who, canonicalize_name(name), SpecifierSet())
    if requirement.marker and not requirement.marker.evaluate({"extra": "", **environment}):
        return None
    return Need(who, canonicalize_name(requirement.name), requirement.specifier)


def forced(asked: Asked, installed: Mapping[str, str], *, by_name: bool) -> Mapping[str, str]:
    """What a package manager installs or replaces for a release: package -> version on the release's shelf.

    ``installed`` are the versions that are there. A manager whose packages carry upstream's bounds replaces whatever
    does not meet them, and never takes an older version; one whose packages name their dependencies without versions
    (``by_name``) only adds what is missing.
    """
    taken: dict[str, str] = {}
    waiting = list(asked.needs)
    while waiting:
        need = waiting.pop()
        there = taken.get(need.name, installed.get(need.name))
        if there is not None and (by_name or need.met_by(there)):
            continue
        library = asked.shelf.get(need.name)
        if library is None or (there is not None and not newer(library.version, there)):
            continue
        taken[need.name] = library.version
        waiting += library.needs
    return dict(sorted(taken.items()))


def left_old(path: Sequence[Asked], installed: Mapping[str, str]) -> tuple[Left, ...]:
    """What the last release of ``path`` requires in another version than is installed by then, by the package's name.

    ``path`` are the releases after the installed one, one after the other; each only adds what is missing, as a
    package manager does that goes by names. What is merely newer than asked for is not meant.
    """
    there = dict(installed)
    for asked in path[:-1]:
        there |= forced(asked, there, by_name=True)
    last = path[-1]
    unmet: dict[str, list[Need]] = {}
    for need in asking(last, there):
        version = there.get(need.name)
        if version is not None and not need.met_by(version) and not need.overtaken_by(version):
            unmet.setdefault(need.name, []).append(need)
    return tuple(
        Left(name, there[name], last.shelf[name].version if name in last.shelf else "", tuple(dict.fromkeys(needs)))
        for name, needs in sorted(unmet.items())
    )


def overtaken(asked: Asked, installed: Mapping[str, str]) -> tuple[tuple[str, str, Need], ...]:
    """What is newer than a release requires: package, version, and the requirement."""
    found = [(n.name, installed[n.name], n) for n in asking(asked, installed) if n.name in installed]
    return tuple(dict.fromkeys((name, there, need) for name, there, need in found if need.overtaken_by(there)))


def asking(asked: Asked, installed: Mapping[str, str]) -> tuple[Need, ...]:
    """What the services of a release require, and the libraries that a careful package manager would bring along."""
    brought = forced(asked, installed, by_name=False)
    return (*asked.needs, *(need for name in brought for need in asked.shelf[name].needs))


def newer(one: str, other: str) -> bool:
    """Whether a version is newer than another; one that cannot be read is."""
    try:
        return Version(one) > Version(other)
    except InvalidVersion:
        return True
