"""What the lab knows of each service, as ``osupgrade/openstack/<service>/service.toml`` says it."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, load_toml

_FILE = "service.toml"


class Signature(Strict):
    """How one database of a service is known."""

    name: str
    """The logical name: ``nova_api``."""
    has: frozenset[str]
    lacks: frozenset[str] = frozenset()
    called: str = ""
    """A part of the name that only this database has, where its tables are another's too."""
    names: frozenset[str]
    """What operators call it; they count where the tables do not decide."""
    like: str = ""
    """The database whose schema it shares, where the catalogue has none of its own."""
    repository: str = ""
    """What its numbered migrations are called in ``migrate_version``, where that is not the database's name."""

    def fits(self, tables: frozenset[str], name: str) -> bool:
        """Whether a database with these tables and this name is it."""
        return self.has <= tables and not self.lacks & tables and self.called in name.lower()


class Copies(Strict):
    """Tables into which the service's own tool copies rows by position, so that both need the same columns."""

    prefix: str
    why: str
    """A sentence with ``{table}`` for the copy."""


class Variant(Strict):
    """On what the history of a schema depends: one option of the site, and plugins that add tables of their own."""

    option: str
    plugins: str
    adding: frozenset[str]


class Service(Strict):
    """One service."""

    databases: tuple[Signature, ...]
    utf8_only: bool = False
    utf8_spared: tuple[str, ...] = ()
    """The tables that the refusal of ``utf8_only`` does not ask about."""
    """Whether the last tool that counts its migrations refuses to begin on a table that is not utf8."""
    copies: Copies | None = None
    variant: Variant | None = None


@functools.cache
def services() -> Mapping[str, Service]:
    """Every service by name."""
    files = sorted(content.services().glob(f"*/{_FILE}"))
    return {file.parent.name: load_toml(file, Service) for file in files}


def repository(database: str) -> str:
    """The ``repository_id`` by which a tool with numbered migrations finds its row in ``migrate_version``."""
    name = like(database)
    found = (each.repository for service in services().values() for each in service.databases if each.name == name)
    return next(filter(None, found), name)


def like(database: str) -> str:
    """The database whose schema this one has: another's, or its own."""
    found = (each.like for service in services().values() for each in service.databases if each.name == database)
    return next(filter(None, found), database)


@functools.cache
def names(service: str) -> frozenset[str]:
    """The names that a service gives at any release to what is in its databases: tables, columns, indexes and more."""
    file = content.service_file(service, "names.txt")
    return frozenset(file.read_text("utf-8").split()) if file.is_file() else frozenset()
