"""Why a service's tools cannot go from one release straight to another. Computed from release data alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from osupgrade.model.chain import Releases, release_named, releases_between, since
from osupgrade.model.release import DataStop, Hop, Release

_SHOWN = 3


@dataclass(frozen=True)
class Obstacle:
    """Why one service's tools cannot go from one release straight to another, and where they must stop instead."""

    hop: Hop
    reason: str
    stops: tuple[str, ...]
    """Releases each of which would do as the only stop, the latest first."""
    way: tuple[str, ...] = ()
    """Where one stop is not enough: the stops of a way, in their order."""

    def __str__(self) -> str:
        return f"{self.hop.service}: {self.reason}"

    @property
    def instead(self) -> str:
        """Where to stop, for the end of a sentence; empty where no stop helps."""
        if self.stops:
            shown = " or ".join(self.stops[:_SHOWN])
            return f"; stop at {shown}{' or an older one' if len(self.stops) > _SHOWN else ''} first"
        return f"; stop at {', then at '.join(self.way)} first" if self.way else ""


def obstacle(releases: Releases, service: str, source: Release, target: Release) -> Obstacle | None:
    """Why ``service`` cannot go from ``source`` straight to ``target``; None when it can."""
    part = target.services.get(service)
    if part is None:
        return None
    hop = Hop(service, source.name, target.name)
    if service not in source.services and part.arrival is None:
        reason = f"{target.name} cannot move {service} out of its former database"
        return Obstacle(hop, reason, *_ways(releases, service, source, target))
    if service in source.services and part.oldest_source and since(source.version) < since(part.oldest_source):
        oldest = release_named(releases, part.oldest_source)
        name = f"{oldest.name} ({oldest.version})" if oldest else part.oldest_source
        reason = f"{target.name}'s tool does not accept a database older than {name}"
        return Obstacle(hop, reason, *_ways(releases, service, source, target))
    for release, stop in _data_stops(releases, service, source, target):
        reason = f"{stop.why}; concerned: {stop.rows}" if stop.rows else stop.why
        if release is not target:
            reason = f"{reason} (on the way, in {release.name})"
        return Obstacle(hop, reason, *_ways(releases, service, source, target))
    return None


def obstacle_free(releases: Releases, service: str, source: Release, target: Release) -> bool:
    """Whether ``service`` can go straight; without the search for other stops that an obstacle names."""
    part = target.services.get(service)
    if part is None:
        return True
    if service not in source.services:
        return part.arrival is not None and not any(_data_stops(releases, service, source, target))
    if part.oldest_source and since(source.version) < since(part.oldest_source):
        return False
    return not any(_data_stops(releases, service, source, target))


def _data_stops(
    releases: Releases, service: str, source: Release, target: Release
) -> Iterator[tuple[Release, DataStop]]:
    """The work on data that a jump would leave out: what a release on the way needs and ``source`` does not do."""
    for release in (*releases_between(releases, source, target), target):
        part = release.services.get(service)
        for stop in part.stops if part else ():
            done_at = {since(version) for version in stop.at}
            if since(source.version) not in done_at:
                yield release, stop


def _ways(
    releases: Releases, service: str, source: Release, target: Release
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The releases that would do as the only stop, the latest first; where there is none, a way of several stops."""
    stops = (source, *releases_between(releases, source, target), target)
    # Release -> the fewest stops from it to the target; of equal ways the one with the latest first stop.
    ways: dict[str, tuple[str, ...]] = {target.name: ()}
    for at, release in reversed(list(enumerate(stops[:-1]))):
        onward = [(len(ways[r.name]), -i, r) for i, r in enumerate(stops) if i > at and r.name in ways]
        free = [(count, i, r) for count, i, r in onward if obstacle_free(releases, service, release, r)]
        if free:
            following = min(free, key=lambda each: each[:2])[2]
            ways[release.name] = () if following is target else (following.name, *ways[following.name])
    way = ways.get(source.name, ())
    if len(way) != 1:
        return (), way
    alone = [r.name for r in reversed(stops[1:-1]) if ways.get(r.name) == ()]
    return tuple(name for name in alone if obstacle_free(releases, service, source, releases[name])), ()
