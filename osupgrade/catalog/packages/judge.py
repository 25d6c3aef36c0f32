"""What has to be updated by hand on a controller, said as findings."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, Field

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, load_toml
from osupgrade.catalog.packages.listing import Listing
from osupgrade.catalog.packages.needs import Asked, Left, forced, left_old, overtaken
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Shell
from osupgrade.model.release import CLOSED
from osupgrade.model.stage import Stage
from osupgrade.model.text import counted

_UPDATE = {
    "pip": "pip install --upgrade {bounds}",
    "dpkg": "apt-get install {names}   # from the release's own archive: {bounds}",
    "rpm": "yum update {names}   # from the release's own repository: {bounds}",
}


@dataclass(frozen=True)
class Break:
    """What is known to break, because it was seen: a module of a service that an old package keeps from starting.

    ``path`` are the releases that were put over each other in place, ``seen`` is the package's version that was left.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    path: tuple[str, ...]
    package: str
    seen: str
    service: str
    module: str
    error: str
    what: str


class _Breaks(Strict):
    breaks: tuple[Break, ...] = Field(alias="break")


@functools.cache
def known_breaks(release: str, images: Path | None = None) -> tuple[Break, ...]:
    """What ``images/RELEASE/left-old.toml`` knows; nothing where there is no such file."""
    file = (images or content.images()) / release / "left-old.toml"
    if not file.is_file():
        return ()
    return load_toml(file, _Breaks).breaks


def by_hand(
    source: str, service: str, listing: Listing, path: Sequence[Asked], at: Stage | None = None
) -> Iterator[Finding]:
    """At most one error: what stays too old for the last release of ``path``; ``at`` is when to update it."""
    release = path[-1].release
    left = left_old(path, {name: one.version for name, one in listing.packages.items()})
    if not left:
        return
    broken = {one.package: one for one in reversed(known_breaks(release))}
    seen = [f"{one.name} {one.version}: {broken[one.name].what}" for one in left if one.name in broken]
    yield Finding(
        source=source,
        severity=Severity.ERROR,
        service=service,
        place=f"packages of {release}",
        message=counted(
            len(left),
            "{n} package[s] [is|are] older than {release} requires, and no dependency forces [its|their] update",
            release=release,
        ),
        consequence="; ".join(seen) or f"{release} is started with libraries that it was not made for",
        evidence=Evidence.of(
            ("package", "there", "asked for", "by", "rehearsed with", "seen to break"),
            [_row(one, broken.get(one.name)) for one in left],
            show=len(left),
        ),
        cure=Cure("update them with the release's packages", (Shell(_update(listing, left)),), at),
    )


def to_know(source: str, service: str, listing: Listing, path: Sequence[Asked]) -> Iterator[Finding]:
    """What needs no action: packages that are upgraded along, and those that are newer than required."""
    release = path[-1].release
    there = {name: one.version for name, one in listing.packages.items()}
    added: dict[str, str] = {}
    for asked in path:
        added |= forced(asked, {**there, **added}, by_name=True)
    too_new = {f"{name} {version} ({need.specifier})" for name, version, need in overtaken(path[-1], there)}
    if added:
        message = "{n} missing package[s] will be installed as [a dependency|dependencies]"
        yield _info(source, service, release, message, added)
    if too_new:
        yield _info(source, service, release, "{n} package[s] [is|are] newer than {release} allows", too_new)


def _info(source: str, service: str, release: str, message: str, names: Collection[str]) -> Finding:
    text = f"{counted(len(names), message, release=release)}: {', '.join(sorted(names))}"
    return Finding(source, Severity.INFO, service, f"packages of {release}", text)


def _row(left: Left, broken: Break | None) -> tuple[object, ...]:
    by = ", ".join(dict.fromkeys(need.who for need in left.needs))
    return (left.name, left.version, left.wanted, by, left.shelf or "-", broken.error if broken else "-")


def _update(listing: Listing, left: Sequence[Left]) -> str:
    names = " ".join(dict.fromkeys(_listed(listing, one.name) for one in left))
    bounds = " ".join(f"'{one.name}{one.wanted}'" for one in left)
    return _UPDATE[listing.manager].format(names=names, bounds=bounds)


def _listed(listing: Listing, name: str) -> str:
    return listing.packages[name].listed if name in listing.packages else name
