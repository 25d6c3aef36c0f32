"""Choosing a route: which releases a cloud goes through, service by service. Computed from release data alone."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from osupgrade.model.chain import Releases, ordered, releases_between, since
from osupgrade.model.errors import UsageFault
from osupgrade.model.obstacle import Obstacle, obstacle, obstacle_free
from osupgrade.model.release import Hop, Release

KINDS = ("supported", "every", "fewest", "direct")
"""How a route may be chosen: upstream's supported upgrades, all releases, as few stops as possible, or none at all."""


class NoRoute(UsageFault):
    """A route that the tools would refuse, or that would lose data: ``obstacles`` say where and why."""

    def __init__(self, message: str, obstacles: Sequence[Obstacle], *, hint: str, evidence: str) -> None:
        super().__init__(message, hint=hint, evidence=evidence)
        self.obstacles = tuple(obstacles)


@dataclass(frozen=True)
class Route:
    """The releases of one rehearsal: all of them in order, and which of them each service stops at."""

    kind: str
    releases: tuple[str, ...]
    stops: Mapping[str, tuple[str, ...]]
    """Service -> the releases that its own tools run at, the first and the last of the route included."""
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Release between the first and the last -> why the route stops there."""

    @property
    def name(self) -> str:
        """What names it: its ends, and how it was chosen unless that is how routes are usually chosen."""
        ends = f"{self.releases[0]}-{self.releases[-1]}"
        if self.kind == "via":
            return "-".join(self.releases)
        return ends if self.kind == KINDS[0] else f"{ends}-{self.kind}"

    @property
    def hops(self) -> tuple[Hop, ...]:
        """Every hop, service by service."""
        return tuple(Hop(service, *pair) for service, at in self.stops.items() for pair in itertools.pairwise(at))


def stretches(releases: Releases) -> tuple[tuple[Release, ...], ...]:
    """All releases in order, in parts of which each can be upgraded from its first release to its last."""
    parts: list[list[Release]] = []
    for release in ordered(releases.values()):
        if parts and _follows(releases, parts[-1][-1], release):
            parts[-1].append(release)
        else:
            parts.append([release])
    return tuple(map(tuple, parts))


def _follows(releases: Releases, before: Release, after: Release) -> bool:
    try:
        choose(releases, before, after)
    except UsageFault:
        return False
    return True


def seeding_release(releases: Releases, release: Release) -> Release:
    """The release itself where a cloud of it can be seeded, else the latest older one from which it can be reached.

    Raises UsageFault where there is none.
    """
    for each in reversed(ordered(releases.values())):
        if not each.seed or since(each.version) > since(release.version):
            continue
        if each is release:
            return each
        try:
            choose(releases, each, release)
        except UsageFault:
            continue
        return each
    raise UsageFault(
        f"no cloud can be seeded at {release.name} or before it",
        hint="give a dump, or begin at " + ", ".join(r.name for r in ordered(releases.values()) if r.seed),
    )


def choose(
    releases: Releases,
    source: Release,
    target: Release,
    kind: str = "supported",
    via: Sequence[Release] = (),
    services: Sequence[str] = (),
) -> Route:
    """The route from ``source`` to ``target``; ``via`` names the stops in between and needs no ``kind``.

    Raises UsageFault with the reason where a tool does not take what the route would give it, and the stop it needs.
    """
    if since(source.version) >= since(target.version):
        raise UsageFault(
            f"{target.name} ({target.version}) does not come after {source.name} ({source.version})",
            hint="a database cannot go back to an older release",
        )
    if kind not in KINDS:
        raise UsageFault(f"--route must be one of {', '.join(KINDS)}, not {kind!r}")
    wanted = tuple(s for s in target.services if not services or s in services)
    if unknown := [s for s in services if s not in target.services]:
        raise UsageFault(f"unknown service {unknown[0]!r}; {target.name} has {', '.join(target.services)}")
    between = releases_between(releases, source, target)
    if via:
        return _fixed("via", releases, _checked_stops(via, source, target), wanted)
    if kind == "every":
        return _fixed(kind, releases, (source, *between, target), wanted)
    if kind == "direct":
        return _fixed(kind, releases, (source, target), wanted)
    if kind == "fewest":
        return _fewest(releases, source, between, target, wanted)
    return _fixed(kind, releases, _supported(source, between, target), wanted)


def alternatives(
    releases: Releases, source: Release, target: Release, services: Sequence[str] = ()
) -> Iterator[tuple[str, Route | UsageFault]]:
    """Every way to choose a route, with the route or the reason why there is none."""
    for kind in KINDS:
        try:
            yield kind, choose(releases, source, target, kind, services=services)
        except UsageFault as fault:
            yield kind, fault


def _checked_stops(via: Sequence[Release], source: Release, target: Release) -> tuple[Release, ...]:
    stops = (source, *via, target)
    for before, after in itertools.pairwise(stops):
        if since(before.version) >= since(after.version):
            raise UsageFault(
                f"{after.name} does not come after {before.name}",
                hint=f"name the stops in order, each between {source.name} and {target.name}",
            )
    return stops


def _fixed(kind: str, releases: Releases, stops: Sequence[Release], services: Sequence[str]) -> Route:
    """The route on which every service stops everywhere; raises UsageFault where one cannot."""
    own = {service: of_service(service, stops) for service in services}
    obstacles = [
        found
        for service, at in own.items()
        for before, after in itertools.pairwise(at)
        if (found := obstacle(releases, service, before, after))
    ]
    if obstacles:
        raise _refusal(stops[0], stops[-1], obstacles)
    reasons = {stop.name: (_why(kind, stop),) for stop in stops[1:-1]}
    names = tuple(release.name for release in stops)
    return Route(kind, names, {s: tuple(r.name for r in at) for s, at in own.items()}, reasons)


def of_service(service: str, stops: Sequence[Release]) -> tuple[Release, ...]:
    """The stops of a service: from the last release that is without it, where it has its data in another's database."""
    having = [i for i, release in enumerate(stops) if service in release.services]
    return tuple(stops[max(having[0] - 1, 0) :]) if having else ()


def _why(kind: str, stop: Release) -> str:
    return {"every": "every release of the chain", "via": "asked for"}.get(kind, stop.rule or "supported by upstream")


def _refusal(source: Release, target: Release, obstacles: Sequence[Obstacle]) -> NoRoute:
    hops = {(o.hop.source, o.hop.target) for o in obstacles}
    what = ", ".join(f"{before} to {after}" for before, after in sorted(hops))
    lines = "\n".join(f"{o.hop.service}, {o.hop.source} to {o.hop.target}: {o.reason}" + o.instead for o in obstacles)
    return NoRoute(
        f"there is no direct upgrade from {what} for {', '.join(dict.fromkeys(o.hop.service for o in obstacles))}",
        obstacles,
        hint=f"osupgrade routes --from {source.name} --to {target.name} lists the possible routes",
        evidence=lines,
    )


def _supported(source: Release, between: Sequence[Release], target: Release) -> tuple[Release, ...]:
    """The fewest upgrades that upstream supports, the later stops where there are several ways."""
    ways: dict[str, tuple[Release, ...]] = {source.name: (source,)}
    for release in (*between, target):
        sources = [ways[name] for name in release.upgrades_from if name in ways]
        if sources:
            ways[release.name] = (
                *min(sources, key=lambda way: (len(way), [-since(r.version)[0] for r in way])),
                release,
            )
    if target.name not in ways:
        froms = ", ".join(target.upgrades_from) or "no release: it is the first of its chain"
        raise UsageFault(
            f"no supported upgrades lead from {source.name} to {target.name}: {target.rule}",
            hint=f"{target.name} is reached from {froms}",
        )
    return ways[target.name]


def _fewest(
    releases: Releases, source: Release, between: Sequence[Release], target: Release, services: Sequence[str]
) -> Route:
    """As few stops as the tools and the data allow; a service does not stop where only others need it."""
    free = {
        (service, a.name, b.name): obstacle_free(releases, service, a, b)
        for service in services
        for a, b in itertools.combinations((source, *between, target), 2)
    }

    def way(service: str, stops: Sequence[Release]) -> tuple[Release, ...] | None:
        """The fewest of ``stops`` for a service, the later ones where there is a choice."""
        best: dict[str, tuple[Release, ...]] = {stops[0].name: (stops[0],)}
        for i, release in enumerate(stops[1:], 1):
            before = [
                best[r.name] for r in reversed(stops[:i]) if r.name in best and free[service, r.name, release.name]
            ]
            if before:
                best[release.name] = (*min(before, key=len), release)
        return best.get(stops[-1].name)

    order = (source, *between, target)
    ahead = {
        (service, i): frozenset(j for j in range(i + 1, len(order)) if free[service, a.name, order[j].name])
        for service in services
        for i, a in enumerate(order[:-1])
    }
    stops = tuple(order[i] for i in _stops(services, ahead, len(order) - 1))
    if not stops:
        raise UsageFault(f"no release in between leads from {source.name} to {target.name}")
    own = {service: of_service(service, at) for service in services if (at := way(service, stops))}
    reasons = {stop.name: tuple(_needed(releases, own, stop)) for stop in stops[1:-1]}
    names = tuple(release.name for release in stops)
    return Route("fewest", names, {s: tuple(r.name for r in at) for s, at in own.items()}, reasons)


def _stops(services: Sequence[str], ahead: Mapping[tuple[str, int], frozenset[int]], goal: int) -> tuple[int, ...]:
    """The fewest of the places 0 to ``goal`` by which every service gets there, the latest ones; empty where none do.

    ``ahead`` has for each service and place the places that its tools go to from there. Two choices from which every
    service reaches the same places go on alike, so that one of them is enough.

    Sets of places are bits of a number, and stops are held the latest first: with sets, and stops turned round for each
    comparison, the longest stretches took seconds.
    """
    bits = {key: sum(1 << place for place in places) for key, places in ahead.items()}
    layer: dict[tuple[int, ...], tuple[int, ...]] = {tuple(bits[service, 0] for service in services): (0,)}
    while layer:
        if done := [stops for reached, stops in layer.items() if all(places >> goal & 1 for places in reached)]:
            return (*reversed(max(done)), goal)
        following: dict[tuple[int, ...], tuple[int, ...]] = {}
        for reached, stops in layer.items():
            by_any = functools.reduce(operator.or_, reached, 0)
            for place in range(stops[0] + 1, goal):
                if not by_any >> place & 1:
                    continue
                key = tuple(
                    (places | bits[s, place] if places >> place & 1 else places) >> (place + 1) << (place + 1)
                    for s, places in zip(services, reached, strict=True)
                )
                following[key] = max(following.get(key, ()), (place, *stops))
        layer = following
    return ()


def _needed(releases: Releases, own: Mapping[str, Sequence[Release]], stop: Release) -> Iterator[str]:
    """What would be in the way without a stop, service by service."""
    for service, at in own.items():
        if stop not in at[1:-1]:
            continue
        i = list(at).index(stop)
        found = obstacle(releases, service, at[i - 1], at[i + 1])
        if found:
            yield str(found)
