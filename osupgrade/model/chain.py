"""All releases in order, and what a person may call them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping

from osupgrade.model.errors import UsageFault
from osupgrade.model.release import Release

Releases = Mapping[str, Release]


def ordered(releases: Iterable[Release]) -> tuple[Release, ...]:
    """Releases in the order in which they came out."""
    return tuple(sorted(releases, key=lambda release: since(release.version)))


@functools.lru_cache(maxsize=1024)
def since(version: str) -> tuple[int, int]:
    """A version id as something to compare: ``2024.1`` and its point releases are (2024, 1)."""
    parts = re.match(r"(\d+)\.(\d+)", version)
    return (int(parts[1]), int(parts[2])) if parts else (0, 0)


def releases_between(releases: Releases, source: Release, target: Release) -> tuple[Release, ...]:
    """The releases that came out after one and before another."""
    first, last = since(source.version), since(target.version)
    return tuple(r for r in ordered(releases.values()) if first < since(r.version) < last)


def release_named(releases: Releases, text: str) -> Release | None:
    """The release that a name or a version id such as ``2024.1`` means; a year alone is none, as most have two."""
    wanted = text.strip().lower()
    for release in releases.values():
        if wanted == release.name or ("." in wanted and f"{release.version}.".startswith(f"{wanted}.")):
            return release
    return None


def known_release(releases: Releases, text: str) -> Release:
    """Like :func:`release_named`; raises UsageFault with the releases that there are."""
    found = release_named(releases, text)
    if found is None:
        known = ", ".join(f"{release.name} ({release.version})" for release in ordered(releases.values()))
        raise UsageFault(f"unknown release {text!r}", hint=f"the releases are {known}")
    return found
