"""What runs when, and what may run side by side. Computed from release data alone, without I/O."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osupgrade.model.errors import UsageFault
from osupgrade.model.release import Database, Finish, Hop, Release, UpgradePath
from osupgrade.model.stage import SEEDED, VERIFY, Stage


@dataclass(frozen=True)
class Chain:
    """One service's hops in order. Chains know nothing of each other and may run side by side."""

    service: str
    hops: tuple[Hop, ...]


@dataclass(frozen=True)
class Plan:
    """Chains side by side, then the finish, then verification."""

    path: UpgradePath
    releases: tuple[Release, ...]
    chains: tuple[Chain, ...]
    finish: Finish | None

    @property
    def first(self) -> Release:
        """The release at which the cloud starts."""
        return self.releases[0]

    @property
    def last(self) -> Release:
        """The release at which the cloud ends."""
        return self.releases[-1]

    @property
    def services(self) -> tuple[str, ...]:
        """The services that take part, in the order of their chains."""
        return tuple(chain.service for chain in self.chains)

    def databases(self, release: Release | None = None) -> tuple[Database, ...]:
        """The databases of the services that take part, at a release; without one, at the first."""
        services = (release or self.first).services
        return tuple(database for service in self.services for database in services[service].databases)

    @property
    def steps(self) -> tuple[str, ...]:
        """Every hop and the finish by name, chain by chain."""
        hops = tuple(hop.step for chain in self.chains for hop in chain.hops)
        return (*hops, self.finish.name) if self.finish else hops

    @property
    def end(self) -> str:
        """What its services come to: the finish where one of them makes it, else the last release."""
        return self.finish.name if self.finish else self.last.name

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Every stage of the plan, chain by chain."""
        around = tuple(stage for step in self.steps for stage in (Stage.before(step), Stage.after(step)))
        return (SEEDED, *around, VERIFY)


def find_path(paths: Mapping[str, UpgradePath], releases: Mapping[str, Release], text: str) -> UpgradePath:
    """The path that ``text`` names: a path's name, ``first-last`` or versions such as ``2024.1-2025.1``.

    A part of a known path is a path too. Raises UsageFault naming what exists, or why a release
    may not be skipped.
    """
    if text in paths:
        return paths[text]
    wanted = [_release_named(releases, part) for part in text.split("-")]
    names = [release.name for release in wanted if release is not None]
    if len(names) < 2 or len(names) != len(wanted):
        known = ", ".join(sorted(paths))
        raise UsageFault(f"unknown path {text!r}; known paths: {known}", hint="osupgrade rehearse --path NAME")
    for path in paths.values():
        if names[0] in path.releases and names[-1] in path.releases:
            start, end = path.releases.index(names[0]), path.releases.index(names[-1])
            part = path.releases[start : end + 1]
            if len(names) > 2 and tuple(names) != part:
                _refuse_skips(names, releases)
            if start < end:
                finish = path.finish if end == len(path.releases) - 1 else None
                return UpgradePath(text, part, finish, path.databases, path.carries if finish == path.finish else ())
    _refuse_skips(names, releases)
    raise UsageFault(f"no path leads from {names[0]} to {names[-1]}; known paths: {', '.join(sorted(paths))}")


def make_plan(path: UpgradePath, releases: Mapping[str, Release], services: Sequence[str] | None = None) -> Plan:
    """The plan for ``path``, narrowed to ``services``; raises UsageFault for an unknown service or a skip."""
    chosen = tuple(releases[name] for name in path.releases)
    _refuse_skips(path.releases, releases)
    known = tuple(chosen[-1].services)
    for service in services or ():
        if service not in known:
            raise UsageFault(f"unknown service {service!r}; this path has {', '.join(known)}")
    wanted = tuple(s for s in known if not services or s in services)
    chains = tuple(
        Chain(
            service,
            tuple(Hop(service, before.name, after.name) for before, after in itertools.pairwise(chosen)),
        )
        for service in wanted
    )
    finish = chosen[-1].finishes[path.finish] if path.finish else None
    if finish and finish.service not in wanted:
        finish = None
    return Plan(path, chosen, chains, finish)


def _release_named(releases: Mapping[str, Release], text: str) -> Release | None:
    for release in releases.values():
        if text == release.name or text == release.version or release.version.startswith(text + "."):
            return release
    return None


def _refuse_skips(names: Sequence[str], releases: Mapping[str, Release]) -> None:
    for before, after in itertools.pairwise(names):
        target = releases[after]
        if before not in target.upgrades_from:
            raise UsageFault(
                f"{after} cannot be reached from {before} in one hop: {target.rule}",
                hint=f"{after} is reached from {', '.join(target.upgrades_from) or 'nothing: it is a first release'}",
            )
