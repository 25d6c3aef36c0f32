"""Whether each database of the dumps is where a path begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from osupgrade.catalog.eras import clause_of, ending_at, said_of
from osupgrade.catalog.identity import heads
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.revisions import behind, known, marked
from osupgrade.dump.holdings import Holding
from osupgrade.model.chain import ordered
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.quoting import shell_join
from osupgrade.model.release import Release


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
        place = _place(holding.service, holding.section.versions, ends) or _era(holding, releases)
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


def release_of(found: Sequence[Holding]) -> Release:
    """The release that the databases of dumps are at, by their version tables; the oldest where they differ.

    A database between two releases counts as the earlier one.

    Raises UsageFault where no release ends at any of these versions.
    """
    releases = ordered(load_releases().values())
    # Of releases that end at the same version it is the latest: the hops between them change nothing.
    at = [max(matching) for h in found if (matching := _matching(h, releases) or _passed(h, releases))]
    if not at:
        says = "; ".join(
            f"{h.service} {said_of(h.service, h.section.versions) or ', '.join(h.section.versions) or 'has no version'}"
            for h in found
        )
        raise UsageFault(
            f"no release from which a route could begin has the versions of these dumps: {says}",
            hint="name the release with --from; `osupgrade inspect DUMP` shows what is known of them",
        )
    return releases[min(at)]


def _matching(holding: Holding, releases: Sequence[Release]) -> list[int]:
    """The numbers of the releases that end at a database's version."""
    versions = set(marked(holding.service, holding.section.versions) or ("",))
    return [number for number, head in enumerate(_ends(holding.service, releases)) if set(head) == versions]


def _passed(holding: Holding, releases: Sequence[Release]) -> list[int]:
    """The numbers of the releases that a database between two releases has completed; none for an unknown revision."""
    database, versions = holding.service, holding.section.versions
    if not known(database, versions):
        return []
    ends = _ends(database, releases)
    ahead = any(head and behind(database, head, versions) for head in ends)
    return [n for n, head in enumerate(ends) if ahead and head and behind(database, versions, head)]


def _ends(database: str, releases: Sequence[Release]) -> list[tuple[str, ...]]:
    """What the database's version table holds at the end of each release; nothing where that has no such database."""
    found = heads(database, releases)
    return [found.get(release.name, ()) for release in releases]


def _place(database: str, versions: tuple[str, ...], heads: Mapping[str, tuple[str, ...]]) -> str:
    """The release a version is of; ``before`` or ``after`` all of them; empty when it is in between."""
    for name, head in heads.items():
        if set(marked(database, versions)) == set(head):
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


def _era(holding: Holding, releases: Sequence[Release]) -> str:
    """``before`` or ``after`` for what is the end of a release outside the path; empty for anything else."""
    order = [era.order for era in ending_at(holding.service, holding.section.versions)]
    bounds = [tuple(int(part) for part in release.version.split(".")[:2]) for release in (releases[0], releases[-1])]
    if order and max(order) < bounds[0]:
        return "before"
    return "after" if order and min(order) > bounds[1] else ""


def ended(found: Sequence[Holding], releases: Sequence[Release]) -> bool:
    """Whether every database is at the end of a path's last release, so that its hops are done."""
    ends = [(one, heads(one.service, releases)) for one in found]
    places = [_place(one.service, one.section.versions, known) for one, known in ends if known]
    return bool(places) and set(places) == {releases[-1].name}


def onward(found: Sequence[Holding]) -> str:
    """The command that rehearses dumps from the release at which they are to the next; empty where there is none."""
    return onward_from(_release(found), [str(holding.dump.path) for holding in found])


def hop_onward(found: Sequence[Holding]) -> tuple[str, ...]:
    """The release at which dumps are, and the next one; empty where there is none."""
    release = _release(found)
    following = _after(release)
    return (release, following) if following else ()


def onward_from(release: str, paths: Iterable[str]) -> str:
    """The command that rehearses dumps from a release to the next; empty where there is none."""
    following = _after(release)
    command = shell_join(["osupgrade", "rehearse", *dict.fromkeys(paths)])
    return f"{command} --from {release} --to {following}" if following else ""


def _release(found: Sequence[Holding]) -> str:
    """The release at which dumps are; empty where that is not known."""
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
    command = onward(found)
    if command and _matching(off, ordered(load_releases().values())):
        release = release_of(found)
        return f"the dumps are at {release.name} ({release.version}): {command}"
    return f"{clause_of(off.service, off.section.versions)}{otherwise}"
