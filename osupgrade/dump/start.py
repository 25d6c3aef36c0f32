"""Whether each database of the dumps is where a path begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from osupgrade.catalog.identity import heads
from osupgrade.catalog.releases import load_releases
from osupgrade.dump.holdings import Holding
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.release import Release


def check_start(found: Sequence[Holding], releases: Sequence[Release]) -> tuple[Finding, ...]:
    """Whether each database is where a path begins; ``releases`` are the path's, in order.

    Raises UsageFault for a database that is older than the path's first release or newer than its last. A database that
    is at a later release of the path, or between two, gets a finding: the schema shows own migrations, not this.
    """
    findings = []
    for holding in found:
        ends = heads(holding.service, releases)
        if not ends or not holding.section.versions:
            continue
        name = f"{holding.section.name or holding.service} ({holding.dump.name})"
        says = ", ".join(holding.section.versions)
        first, last = releases[0].name, releases[-1].name
        place = _place(holding.section.versions, ends)
        if place == "before":
            raise UsageFault(
                f"{name} is older than {first}: its version is {says}, {first}'s is {', '.join(ends[first])}",
                hint=f"this path begins at {first}; upgrade to it first",
            )
        if place == "after":
            raise UsageFault(
                f"{name} is newer than {last}: its version is {says}, {last}'s is {', '.join(ends[last])}",
                hint=_way_on(holding, releases),
            )
        if place != first:
            message = f"{name} is not at {first}: its version is {says}"
            where = f"it is at {place}" if place else "no release of the path ends at that version"
            findings.append(Finding("dump", Severity.WARNING, holding.service, holding.dump.name, message, where))
    return tuple(findings)


def _place(versions: tuple[str, ...], heads: Mapping[str, tuple[str, ...]]) -> str:
    """The release a version is of; ``before`` or ``after`` all of them; empty when it is in between."""
    for name, head in heads.items():
        if set(versions) == set(head):
            return name
    ordered = list(heads.values())
    if all(_numbers(head) for head in ordered) and (version := _numbers(versions)):
        if version < _numbers(ordered[0]):
            return "before"
        return "after" if version > _numbers(ordered[-1]) else ""
    words = [h[0] for h in ordered if len(h) == 1 and h[0].isalpha()]
    if words and len(versions) == 1 and versions[0].isalpha():  # releases' names, which follow the alphabet
        return "before" if versions[0] < words[0] else "after"
    return ""


def _numbers(versions: Sequence[str]) -> tuple[int, ...]:
    """Numbered versions with the highest first; empty where they are not numbers.

    Where a table has one row for each of several repositories, the highest is that of the service itself, which alone
    goes on counting: 109, 44, 44, 44 is newer than 44.
    """
    if not versions or not all(version.isdigit() and version.isascii() for version in versions):
        return ()
    return tuple(sorted((int(version) for version in versions), reverse=True))


def _way_on(holding: Holding, releases: Sequence[Release]) -> str:
    """What to do with a database that is newer than a path: what release it is of, where that is known."""
    for release in load_releases().values():
        head = heads(holding.service, [release]).get(release.name, ())
        if (
            head
            and release.name not in {known.name for known in releases}
            and set(head) == set(holding.section.versions)
        ):
            return f"it is at {release.name} ({release.version}): osupgrade rehearse --from {release.name} --to RELEASE"
    return "this path cannot be rehearsed with it; osupgrade routes shows others"
