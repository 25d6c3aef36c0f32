"""Copying a cloud: run something on copies of its databases, and drop them whatever happened."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from osupgrade.cloud.cloud import Cloud
from osupgrade.lab.database import Copied
from osupgrade.model.plan import Plan

LONGEST = 64
"""Characters of the longest name that a database may have."""


@dataclass(frozen=True)
class Snapshot:
    """A cloud's databases on its server's shelf; ``names`` maps each logical name to its name there."""

    shelf: str
    names: Mapping[str, str]

    def only(self, databases: Iterable[str]) -> Snapshot:
        """The part of the snapshot that holds these databases, by their logical names."""
        wanted = set(databases)
        return replace(self, names={logical: name for logical, name in self.names.items() if logical in wanted})


def snapshot(cloud: Cloud, shelf: str) -> Snapshot:
    """Put the cloud as it is now on the shelf."""
    cloud.lab_server.save(list(cloud.databases.values()), shelf)
    return Snapshot(shelf, dict(cloud.databases))


@contextlib.contextmanager
def copied(
    cloud: Cloud,
    lane: str,
    of: Snapshot | None = None,
    *,
    logs: Path | None = None,
    loaded: Callable[[Mapping[str, Copied]], None] | None = None,
) -> Iterator[Cloud]:
    """The cloud on copies of its databases, which are dropped afterwards.

    ``lane`` keeps the copy apart from the others: it begins the copies' names. The copy is of the cloud as it is now,
    or of an earlier snapshot. ``loaded`` hears how long each database took.
    """
    server = cloud.lab_server
    of = of or snapshot(cloud, f"copy-{lane}")
    names = copy_names(lane, of.names)
    try:
        took = server.load(of.shelf, {saved: names[logical] for logical, saved in of.names.items()})
        if loaded:
            loaded(took)
        yield replace(cloud, databases=names, lane=lane, logs=logs or cloud.logs)
    finally:
        for name in names.values():
            server.drop(name)


@contextlib.contextmanager
def with_coming(cloud: Cloud, plan: Plan, lane: str) -> Iterator[Cloud]:
    """The cloud plus an empty database for each one that its services add during the route; dropped afterwards."""
    names = copy_names(lane, [name for name in plan.coming if not cloud.has(name)])
    try:
        for name in names.values():
            cloud.lab_server.create(name)
        yield replace(cloud, databases={**cloud.databases, **names})
    finally:
        for name in names.values():
            cloud.lab_server.drop(name)


def copy_names(lane: str, databases: Iterable[str]) -> dict[str, str]:
    """The names that copies of databases get in a lane, by logical name; a name may have 64 characters."""
    databases = tuple(databases)
    room = LONGEST - 1 - max(map(len, databases), default=0)
    prefix = re.sub(r"[^a-z0-9]+", "_", lane.lower())[:room]
    return {logical: f"{prefix}_{logical}" for logical in databases}
