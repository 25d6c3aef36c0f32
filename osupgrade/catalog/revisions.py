"""In which order revisions follow each other, and which release brings them, over all releases.

Numbered versions follow their numbers. Of alembic's, each service's ``revisions.toml`` has the graph; a database's
version table holds the heads of what was applied to it. Pure but for reading the files.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osupgrade.catalog import content
from osupgrade.catalog.identity import heads
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.services import like, services
from osupgrade.catalog.versions import numbers

_FILE = "revisions.toml"


@dataclass(frozen=True)
class Graph:
    """The revisions of one database: what each follows, and which release brings it first."""

    follows: Mapping[str, tuple[str, ...]]
    release: Mapping[str, str]

    def applied(self, heads: Sequence[str]) -> frozenset[str]:
        """All revisions applied to a database with these heads; empty if one of the heads is unknown."""
        left, found = list(heads), set()
        if any(name not in self.follows for name in left):
            return frozenset()
        while left:
            name = left.pop()
            if name and name not in found:
                found.add(name)
                left += self.follows.get(name, ())
        return frozenset(found)


@functools.cache
def graph(database: str) -> Graph:
    """The graph of a database's revisions; an empty one where none is known."""
    return _graphs().get(like(database), Graph({}, {}))


def behind(database: str, versions: Sequence[str], head: Sequence[str]) -> bool:
    """Whether a database at ``versions`` has reached ``head`` or is beyond it."""
    return any(_behind(database, versions, end) for end in (tuple(head), *_instead(database).get(frozenset(head), ())))


def _behind(database: str, versions: Sequence[str], head: Sequence[str]) -> bool:
    if set(versions) == set(head):
        return True
    here, there = numbers(versions), numbers(head)
    if here and there:
        return _counted(here, there)
    done, wanted = graph(database).applied(versions), graph(database).applied(head)
    if done and there:
        return True  # alembic came after the numbers
    return bool(wanted) and wanted <= done


def _counted(here: tuple[int, ...], there: tuple[int, ...]) -> bool:
    """Whether one set of numbers is as far as another. A service that went on in more repositories is further."""
    if len(here) == 1 or len(there) == 1:
        return (len(here) > 1, here[0]) >= (len(there) > 1, there[0])
    shared = min(len(here), len(there))  # the first repository may be gone
    return here[-shared:] >= there[-shared:]


def marked(database: str, versions: Sequence[str]) -> tuple[str, ...]:
    """The versions, or the release that they are in all but name.

    A revision with the name of its release changes nothing: it only marks the end of the release, and what it follows
    is that end already.
    """
    brought = graph(database)
    for name, follows in brought.follows.items():
        if name == brought.release[name] and versions and set(follows) == set(versions):
            return (name,)
    return tuple(versions)


def known(database: str, versions: Sequence[str]) -> bool:
    """Whether these versions can be upstream's: revisions that a release brings, or numbers that one has reached."""
    if here := numbers(versions):
        return any(_counted(there, here) for head in _ends(database).values() if (there := numbers(head)))
    return bool(graph(database).applied(versions))


@functools.cache
def _instead(database: str) -> Mapping[frozenset[str], tuple[tuple[str, ...], ...]]:
    """Where a database may end instead of a release's head, by another of its commands: ``also`` in ``eras.toml``."""
    read = tomllib.loads(content.service_file("common", "eras.toml").read_text("utf-8"))
    found: dict[frozenset[str], tuple[tuple[str, ...], ...]] = {}
    for name, head in _ends(database).items():
        if other := read.get(name, {}).get(database):
            found[frozenset(head)] = (tuple(other.split()),)
    return found


@functools.cache
def _ends(database: str) -> Mapping[str, tuple[str, ...]]:
    """What the version table of a database holds at the end of each release."""
    return heads(database, tuple(load_releases().values()))


@functools.cache
def _graphs() -> Mapping[str, Graph]:
    found = {}
    for service in services():
        file = content.service_file(service, _FILE)
        for database, releases in tomllib.loads(file.read_text("utf-8")).items() if file.is_file() else ():
            follows = {name: tuple(after.split()) for each in releases.values() for name, after in each.items()}
            brought = {name: release for release, each in releases.items() for name in each}
            found[database] = Graph(follows, brought)
    return found
