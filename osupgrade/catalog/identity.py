"""Which service a database belongs to, by its tables and its name, as each service's own data says it."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osupgrade.catalog.services import Signature, services
from osupgrade.catalog.versions import ends_at
from osupgrade.model.release import Release


@dataclass(frozen=True)
class Section:
    """One database as a dump holds it. ``name`` is empty where the dump does not say it."""

    name: str
    named: bool
    """Whether the dump itself says USE; else it goes into whatever database one gives."""
    tables: tuple[str, ...]
    charset: str = ""
    versions: tuple[str, ...] = ()
    """What its version table holds: ``161``, ``grizzly``; empty for a database that was never stamped."""
    file: str = ""
    """The name of its file, where the dump does not say what the database is called."""


@functools.cache
def signatures() -> tuple[Signature, ...]:
    """How every service's databases are known, those with a name of their own first."""
    found = [signature for service in services().values() for signature in service.databases]
    return tuple(sorted(found, key=lambda signature: (not signature.called, signature.name)))


@functools.cache
def usual_names() -> Mapping[str, str]:
    """Database names that operators use, in lower case, and the database that each means."""
    return {name: signature.name for signature in signatures() for name in signature.names}


def service_of(section: Section) -> str:
    """The service whose database a section is, by its tables, then by its name; empty when it is none."""
    tables = frozenset(section.tables)
    for signature in signatures():
        if signature.fits(tables, section.name or section.file):
            return signature.name
    by_name = usual_names().get(section.name.lower(), "")
    known = next((signature.has for signature in signatures() if signature.name == by_name), frozenset())
    return by_name if tables & known else ""


def likely_path(found: Mapping[str, Sequence[str]], paths: Mapping[str, Sequence[Release]]) -> str:
    """The name of the path that databases are on: the one with a release that ends at most of their versions.

    ``found`` is what the version table of each service's database holds, ``paths`` are every path's releases. Where
    versions tell nothing, the one that has most of the databases; else the first.
    """

    def score(name: str) -> tuple[int, int]:
        ends = [(versions, heads(service, paths[name])) for service, versions in found.items()]
        at_a_head = sum(any(ends_at(versions, head) for head in of.values()) for versions, of in ends if versions)
        return at_a_head, sum(bool(of) for _, of in ends)

    return max(paths, key=score)


def heads(service: str, releases: Sequence[Release]) -> dict[str, tuple[str, ...]]:
    """What a database's version table holds at the end of each release that has it."""
    return {
        release.name: database.head
        for release in releases
        for each in release.services.values()
        for database in each.databases
        if database.name == service
    }
