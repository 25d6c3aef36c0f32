"""Whether each database of the dumps is where a path begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from osupgrade.catalog.eras import clause_of, ending_at, said_of
from osupgrade.catalog.identity import heads
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.revisions import behind, known, marked
from osupgrade.catalog.versions import ends_at
from osupgrade.dump.holdings import Holding
from osupgrade.model.chain import ordered
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.quoting import shell_join
from osupgrade.model.release import Release

Versions = Mapping[str, Sequence[str]]
"""What the version table of each service's database holds: of dumps, or of a live server."""


def versions_of(found: Iterable[Holding]) -> Versions:
    """What the version tables in dumps hold."""
    return {holding.service: holding.section.versions for holding in found}


def check_start(found: Sequence[Holding], releases: Sequence[Release]) -> tuple[Finding, ...]:
    """Whether each database is where a path begins; ``releases`` are the path's, in order.

    Raises UsageFault for a database that is older than the path's first release or newer than its last. A database that
    is at a later release of the path, or between two, gets a finding: the schema shows custom migrations, not this.
    """
    findings = []
    for holding in found:
        ends = heads(holding.service, releases)
        if not ends or not holding.section.versions:
            continue
        name = f"{holding.section.name or holding.service} ({holding.dump.name})"
        says = ", ".join(holding.section.versions)
        first, last = releases[0].name, releases[-1].name
        place = _standing(holding.service, holding.section.versions, releases)
        if place == "before":
            raise UsageFault(
                f"{name} is older than {first}: its version is {says}, {first}'s is {', '.join(ends[first])}",
                hint=_way_on(found, holding, f"this path begins at {first}; upgrade to it first"),
            )
        if place == "after":
            raise UsageFault(
                f"{name} is newer than {last}: its version is {says}, {last}'s is {', '.join(ends[last])}",
                hint=_way_on(found, holding, "this path cannot be rehearsed with it; osupgrade routes shows others"),
            )
        if place != first:
            message = f"{name} is not at {first}: its version is {says}"
            where = f"it is at {place}" if place else "no release of the path ends at that version"
            findings.append(Finding("dump", Severity.WARNING, holding.service, holding.dump.name, message, where))
    return tuple(findings)


def fits(found: Versions, releases: Sequence[Release]) -> bool:
    """Whether no database is older than a path's first release, or newer than its last."""
    stands = (_standing(service, versions, releases) for service, versions in found.items())
    return not {"before", "after"} & set(stands)


def touches(found: Versions, releases: Sequence[Release]) -> bool:
    """Whether any database is at a release of a path, or between two of them."""
    return any(
        bool(versions) and _standing(service, versions, releases) not in ("before", "after")
        for service, versions in found.items()
    )


def begins(found: Versions, releases: Sequence[Release]) -> str:
    """The first release of a path, but for its last, at which all databases can be; empty where there is none.

    A service whose schema does not change between releases is at each of them.
    """
    stamped = {service: marked(service, versions) for service, versions in found.items() if versions}
    for release in releases[:-1]:
        ends = {service: heads(service, [release]).get(release.name) for service in stamped}
        if stamped and all(end is not None and ends_at(stamped[service], end) for service, end in ends.items()):
            return release.name
    return ""


def release_of(found: Versions) -> Release:
    """The release that databases are at, by their version tables; the oldest where they differ.

    A database between two releases counts as the earlier one.

    Raises UsageFault where no release ends at any of these versions.
    """
    releases = ordered(load_releases().values())
    # Of releases that end at the same version it is the latest: the hops between them change nothing.
    at = [max(among) for held in found.items() if (among := _matching(*held, releases) or _passed(*held, releases))]
    if not at:
        says = "; ".join(
            f"{service} {said_of(service, versions) or ', '.join(versions) or 'has no version'}"
            for service, versions in found.items()
        )
        raise UsageFault(
            f"no release from which a route could begin has the versions of these dumps: {says}",
            hint="name the release with --from; `osupgrade inspect DUMP` shows what is known of them",
        )
    return releases[min(at)]


def _matching(database: str, versions: Sequence[str], releases: Sequence[Release]) -> list[int]:
    """The numbers of the releases that end at a database's version."""
    held = marked(database, versions)
    return [number for number, head in enumerate(_ends(database, releases)) if ends_at(held, head)]


def _passed(database: str, versions: Sequence[str], releases: Sequence[Release]) -> list[int]:
    """The numbers of the releases that a database between two releases has completed; none for an unknown revision."""
    if not known(database, versions):
        return []
    ends = _ends(database, releases)
    ahead = any(head and behind(database, head, versions) for head in ends)
    return [n for n, head in enumerate(ends) if ahead and head and behind(database, versions, head)]


def _ends(database: str, releases: Sequence[Release]) -> list[tuple[str, ...]]:
    """What the database's version table holds at the end of each release; nothing where that has no such database."""
    found = heads(database, releases)
    return [found.get(release.name, ()) for release in releases]


def _standing(database: str, versions: Sequence[str], releases: Sequence[Release]) -> str:
    """The release of a path that a database is at; ``before`` or ``after`` the path; empty when it is in between."""
    ends = heads(database, releases)
    if not ends or not versions:
        return ""
    return _place(database, versions, ends) or _era(database, versions, releases)


def _place(database: str, versions: Sequence[str], heads: Mapping[str, tuple[str, ...]]) -> str:
    """The release a version is of; ``before`` or ``after`` all of them; empty when it is in between."""
    for name, head in heads.items():
        if ends_at(marked(database, versions), head):
            return name
    ordered = [head for head in heads.values() if head]
    if known(database, versions) and ordered:
        if not behind(database, versions, ordered[0]):
            return "before" if behind(database, ordered[0], versions) else ""
        return "after" if behind(database, versions, ordered[-1]) else ""
    words = [h[0] for h in ordered if len(h) == 1 and h[0].isalpha()]
    if words and len(versions) == 1 and versions[0].isalpha():  # releases' names, which follow the alphabet
        return "before" if versions[0] < words[0] else "after"
    return ""


def _era(database: str, versions: Sequence[str], releases: Sequence[Release]) -> str:
    """``before`` or ``after`` for what is the end of a release outside the path; empty for anything else."""
    order = [era.order for era in ending_at(database, versions)]
    bounds = [tuple(int(part) for part in release.version.split(".")[:2]) for release in (releases[0], releases[-1])]
    if order and max(order) < bounds[0]:
        return "before"
    return "after" if order and min(order) > bounds[1] else ""


def ended(found: Versions, releases: Sequence[Release]) -> bool:
    """Whether every database is at the end of a path's last release, so that its hops are done.

    That of a service whose schema does not change on the path is.
    """
    last = releases[-1]
    ends = {service: heads(service, [last]).get(last.name) for service in found}
    at = [ends_at(marked(service, found[service]), end) for service, end in ends.items() if end is not None]
    return bool(at) and all(at)


def onward(found: Versions, paths: Iterable[str]) -> str:
    """The command that rehearses databases on their route onward; empty where there is none."""
    route = route_onward(found)
    return _command(paths, *route) if route and route[1] != _release(found) else ""


def route_onward(found: Versions) -> tuple[str, ...]:
    """The ends of the route from the release at which databases are to the next, or to that of the furthest service.

    At the last release it is the one to that; empty where nothing is known of their versions.
    """
    releases = ordered(load_releases().values())
    first = _release(found)
    if not first:
        return ()
    names = [known.name for known in releases]
    start = names.index(first)
    furthest = [
        min(_matching(*held, releases) or [n + 1 for n in _passed(*held, releases)[-1:]] or [0])
        for held in found.items()
    ]
    start, end = min(start, len(names) - 2), max(start + 1, *furthest)
    return names[start], names[min(end, len(names) - 1)]


def onward_from(release: str, paths: Iterable[str]) -> str:
    """The command that rehearses dumps from a release to the next; empty where there is none."""
    following = _after(release)
    return _command(paths, release, following) if following else ""


def _command(paths: Iterable[str], first: str, last: str) -> str:
    return f"{shell_join(['osupgrade', 'rehearse', *dict.fromkeys(paths)])} --from {first} --to {last}"


def _release(found: Versions) -> str:
    """The release at which databases are; empty where that is not known."""
    try:
        return release_of(found).name
    except UsageFault:
        return ""


def _after(release: str) -> str:
    """The release after one; empty where there is none."""
    names = [known.name for known in ordered(load_releases().values())]
    return names[names.index(release) + 1] if release in names[:-1] else ""


def _way_on(found: Sequence[Holding], off: Holding, otherwise: str) -> str:
    """What to do with a database that a path cannot begin with: what release it is of, where that is known."""
    command = onward(versions_of(found), [str(holding.dump.path) for holding in found])
    if command and _matching(off.service, off.section.versions, ordered(load_releases().values())):
        release = release_of(versions_of(found))
        return f"the dumps are at {release.name} ({release.version}): {command}"
    return f"{clause_of(off.service, off.section.versions)}{otherwise}"
