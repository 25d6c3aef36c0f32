"""What runs when, and what may run side by side. Computed from release data alone, without I/O."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from osupgrade.model import route
from osupgrade.model.chain import release_named
from osupgrade.model.errors import UsageFault
from osupgrade.model.obstacle import obstacle
from osupgrade.model.release import Arrival, Database, Finish, Hop, Release, UpgradePath
from osupgrade.model.stage import SEEDED, VERIFY, Stage


@dataclass(frozen=True)
class Chain:
    """One service's hops in order. Chains know nothing of each other and may run side by side."""

    service: str
    hops: tuple[Hop, ...]
    moves: tuple[Finish, ...] = ()
    """What a release on the way has done to its databases before the next hop, such as the move to ML2."""

    def moves_at(self, release: str) -> tuple[Finish, ...]:
        """The moves that are made at a release, by its own tool."""
        return tuple(move for move in self.moves if move.release == release)

    @property
    def steps(self) -> tuple[str, ...]:
        """Every hop and every move by name, in order."""
        found = [move.name for move in self.moves_at(self.hops[0].source)] if self.hops else []
        for hop in self.hops:
            found += [hop.step, *(move.name for move in self.moves_at(hop.target))]
        return tuple(found)


SERVER = "server"
"""The service name under which reports list a migration to another database server."""


@dataclass(frozen=True)
class ServerMove:
    """A migration of all databases to another server, once every service has reached a release."""

    database: str
    """The image of the new server, after which the step is called."""
    release: str

    @property
    def name(self) -> str:
        """What stages and reports call it: ``mariadb1011``."""
        return self.database


@dataclass(frozen=True)
class Segment:
    """The parts of chains that run in parallel on one database server, and the migration to the next server."""

    chains: tuple[Chain, ...]
    move: ServerMove | None


@dataclass(frozen=True)
class Plan:
    """Chains side by side, then the finish, then verification."""

    path: UpgradePath
    releases: tuple[Release, ...]
    chains: tuple[Chain, ...]
    finish: Finish | None
    servers: tuple[ServerMove, ...] = ()
    """The migrations to other database servers, in order."""

    @property
    def first(self) -> Release:
        """The release at which the cloud starts."""
        return self.releases[0]

    @property
    def last(self) -> Release:
        """The release at which the cloud ends."""
        return self.releases[-1]

    def release(self, name: str) -> Release:
        """A release of the plan by its name; raises KeyError for one that is not on the route."""
        return self.by_name[name]

    @property
    def by_name(self) -> Mapping[str, Release]:
        """The releases by their names, in order."""
        return {release.name: release for release in self.releases}

    @property
    def services(self) -> tuple[str, ...]:
        """The services that take part, in the order of their chains."""
        return tuple(chain.service for chain in self.chains)

    def databases(self, release: Release | None = None) -> tuple[Database, ...]:
        """The databases of the services that take part, at a release; without one, at the first."""
        services = (release or self.first).services
        parts = [services[service] for service in self.services if service in services]
        return tuple(database for part in parts for database in part.databases)

    @property
    def arrivals(self) -> Mapping[str, Arrival]:
        """The services that get their own database on the way, and how."""
        found = {}
        for chain in self.chains:
            if chain.service not in self.first.services:
                part = self.release(chain.hops[0].target).services[chain.service]
                if part.arrival:
                    found[chain.service] = part.arrival
        return found

    @property
    def steps(self) -> tuple[str, ...]:
        """Every hop and the finish by name, chain by chain."""
        steps = tuple(step for chain in self.chains for step in chain.steps)
        steps += tuple(move.name for move in self.servers)
        return (*steps, self.finish.name) if self.finish else steps

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The chains, split at each server migration; a single segment if there is none."""
        order = list(self.by_name)
        left = self.chains
        found: list[Segment] = []
        for move in self.servers:
            early = frozenset(order[: order.index(move.release) + 1])
            cut = [_cut(chain, early) for chain in left]
            found.append(Segment(tuple(before for before, _after in cut), move))
            left = tuple(after for _before, after in cut)
        return (*found, Segment(left, None))

    @property
    def waits(self) -> Mapping[str, str]:
        """Steps that cannot begin before one of another chain has ended, and which that is.

        The first of a service that takes its data over from a database that comes on the way itself.
        """
        order = list(self.by_name)
        parts = [part for release in self.releases for part in release.services.values()]
        owners = {database.name: part.service for part in parts for database in part.databases}
        found = {}
        for chain in self.chains:
            arrival = self.arrivals.get(chain.service)
            if arrival is None:
                continue
            first = chain.hops[0]
            hops = [hop for other in self.chains if other.service == owners[arrival.source] for hop in other.hops]
            before = [hop.step for hop in hops if order.index(hop.target) < order.index(first.target)]
            if before:
                found[first.step] = before[-1]
        return found

    @property
    def moves(self) -> tuple[Finish, ...]:
        """The moves between hops, and the finish."""
        between = tuple(move for chain in self.chains for move in chain.moves)
        return (*between, self.finish) if self.finish else between

    @property
    def coming(self) -> tuple[str, ...]:
        """The databases that services get on the way, such as nova_api: they begin empty."""
        mine = {database.name for database in self.databases(self.first)}
        later = [database.name for release in self.releases[1:] for database in self.databases(release)]
        return tuple(name for name in dict.fromkeys(later) if name not in mine)

    @property
    def end(self) -> str:
        """What its services come to: the finish where one of them makes it, else the last release."""
        return self.finish.name if self.finish else self.last.name

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Every stage of the plan, chain by chain."""
        around = tuple(stage for step in self.steps for stage in (Stage.before(step), Stage.after(step)))
        return (SEEDED, *around, VERIFY)


def _cut(chain: Chain, early: Collection[str]) -> tuple[Chain, Chain]:
    """The part of a chain up to the ``early`` releases, and the rest."""
    hops = tuple(hop for hop in chain.hops if hop.target in early)
    at = {hop.target for hop in hops} | {hop.source for hop in hops[:1]}
    moves = tuple(move for move in chain.moves if move.release in at)
    return (
        Chain(chain.service, hops, moves),
        Chain(chain.service, chain.hops[len(hops) :], tuple(move for move in chain.moves if move not in moves)),
    )


def find_path(paths: Mapping[str, UpgradePath], releases: Mapping[str, Release], text: str) -> UpgradePath:
    """The path that ``text`` names: a path's name, or a route.

    A route is ``first-last``, with every stop between them where there are any, or with how it is to be chosen behind
    them: ``yoga-2025.1``, ``train-wallaby-2023.1``, ``rocky-gazpacho-fewest``. Raises UsageFault naming what exists, or
    why a release may not be skipped.
    """
    if text in paths:
        return paths[text]
    parts = text.split("-")
    kind = parts.pop() if parts[-1] in route.KINDS else "supported"
    wanted = [release_named(releases, part) for part in parts]
    names = [release for release in wanted if release is not None]
    if len(names) < 2 or len(names) != len(wanted):
        known = ", ".join(sorted(paths))
        raise UsageFault(
            f"unknown path {text!r}; known paths: {known}",
            hint="osupgrade rehearse --path NAME, or --path FIRST-LAST with two releases",
        )
    first, *via, last = names
    return path_along(paths, route.choose(releases, first, last, kind, via), releases, text)


def between(first: str, last: str) -> str:
    """The name of the route from one release to another, as :func:`find_path` reads it."""
    return f"{first}-{last}"


def path_along(
    paths: Mapping[str, UpgradePath], along: route.Route, releases: Mapping[str, Release], name: str = ""
) -> UpgradePath:
    """A route as a path. What a named path has besides its releases, its parts have too, but for the invariants.

    Those are the whole path's; a part has those of the release at which it ends.
    """
    stops = {service: at for service, at in along.stops.items() if at != along.releases}
    for path in paths.values():
        if along.releases[0] in path.releases and not stops:
            start = path.releases.index(along.releases[0])
            if path.releases[start : start + len(along.releases)] == along.releases:
                finish = path.finish if along.releases[-1] == path.releases[-1] else None
                carries = path.carries if finish == path.finish else ()
                whole = along.releases == path.releases
                checks = path.checks if whole else releases[along.releases[-1]].checks
                return UpgradePath(name or along.name, along.releases, finish, path.databases, carries, checks)
    first, last = releases[along.releases[0]], releases[along.releases[-1]]
    if not last.databases:
        raise UsageFault(
            f"there is no database on which a route to {last.name} could be rehearsed",
            hint=f"the paths are {', '.join(sorted(paths))}",
        )
    databases = tuple(dict.fromkeys((*first.databases, *last.databases)))
    return UpgradePath(along.name, along.releases, None, databases, (), last.checks, stops)


def server_moves(
    path: UpgradePath, releases: Mapping[str, Release], database: str, wanted: Sequence[tuple[str, str]] | None
) -> tuple[ServerMove, ...]:
    """The server migrations along a path that starts on ``database``.

    ``wanted`` are pairs of an image and a release. With None, the cloud is migrated before each release that is not
    known to run on its server, to a server that the last release runs on if possible. A server that is listed by the
    path and by none of its releases is known to serve the whole path.

    Raises UsageFault for a release at which the path does not stop, or the same server twice.
    """
    if wanted is None:
        along = [releases[name] for name in path.releases]
        named = {name for release in along for name in release.databases}
        return () if database in path.databases and database not in named else tuple(_needed_moves(along, database))
    found: list[ServerMove] = []
    for image, text in wanted:
        at = release_named(releases, text)
        if at is None or at.name not in path.releases[:-1]:
            stops = ", ".join(path.releases[:-1])
            raise UsageFault(
                f"--move {image}@{text}: before its last hop this route stops at {stops}, and {text} is none of them",
                hint=f"osupgrade rehearse --path {path.name} --move {image}@{path.releases[-2]}",
            )
        if image in (database, *(move.database for move in found)):
            raise UsageFault(f"--move {image}@{text}: the cloud is already on {image}", hint="name a different server")
        found.append(ServerMove(image, at.name))
    return tuple(sorted(found, key=lambda move: path.releases.index(move.release)))


def _needed_moves(along: Sequence[Release], database: str) -> Iterator[ServerMove]:
    last = along[-1]
    for before, after in itertools.pairwise(along):
        if database in last.databases:
            return
        if after.databases and database not in after.databases:
            lasting = [name for name in after.databases if name in last.databases]
            database = (lasting or after.databases)[0]
            yield ServerMove(database, before.name)


def make_plan(path: UpgradePath, releases: Mapping[str, Release], services: Sequence[str] | None = None) -> Plan:
    """The plan for ``path``, narrowed to ``services``; raises UsageFault for an unknown service or a skip."""
    chosen = tuple(releases[name] for name in path.releases)
    known = tuple(chosen[-1].services)
    for service in services or ():
        if service not in known:
            raise UsageFault(f"unknown service {service!r}; this path has {', '.join(known)}")
    wanted = tuple(s for s in known if not services or s in services)
    chains = tuple(_chain(service, path, releases) for service in wanted)
    finish = chosen[-1].finishes[path.finish] if path.finish else None
    if finish and finish.service not in wanted:
        finish = None
    return Plan(path, chosen, chains, finish)


def _chain(service: str, path: UpgradePath, releases: Mapping[str, Release]) -> Chain:
    at = route.of_service(service, [releases[name] for name in path.stops.get(service, path.releases)])
    for before, after in itertools.pairwise(at):
        if found := obstacle(releases, service, before, after):
            raise UsageFault(
                f"{after.name} cannot be reached from {before.name} in one hop: {found}",
                hint=found.instead.removeprefix("; "),
            )
    hops = tuple(Hop(service, before.name, after.name) for before, after in itertools.pairwise(at))
    moves = (finish for release in at[:-1] for finish in release.finishes.values() if finish.service == service)
    return Chain(service, hops, tuple(moves))
