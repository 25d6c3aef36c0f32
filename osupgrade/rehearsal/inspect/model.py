"""What an inspection reports about a cloud, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osupgrade.model.finding import Fate, Finding, Severity

SOURCE = "inspect"


@dataclass(frozen=True)
class Own:
    """One difference from upstream at the database's revision: something added, changed or missing.

    ``fate`` is what the path will do to it, ``revision`` where, ``why`` in words.
    """

    service: str
    object: str
    place: str
    definition: str
    difference: str
    fate: Fate
    revision: str
    release: str
    why: str


@dataclass(frozen=True)
class Size:
    """A table: its rows and the bytes of its data and indexes, both as the server estimates them."""

    table: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class Database:
    """What one service's database really is.

    ``revision`` is the true one, ``same`` all that have this very schema, ``claim`` what the version table holds.
    ``charsets`` and ``engines`` count the tables of each. ``bytes`` is what all tables take. Where the catalogue of
    schemas does not know the releases of the path, ``catalogued`` is false and the version table is believed.
    """

    service: str
    database: str
    release: str
    revision: str
    same: tuple[str, ...]
    variant: str
    claim: tuple[str, ...]
    honest: bool
    tables: int
    charsets: Mapping[str, int]
    engines: Mapping[str, int]
    bytes: int
    largest: tuple[Size, ...]
    catalogued: bool = True


@dataclass(frozen=True)
class Inspection:
    """One page about a cloud."""

    databases: tuple[Database, ...]
    own: tuple[Own, ...]
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether no action is needed: what every cloud on the path needs is not a finding."""
        return all(finding.severity is Severity.INFO for finding in self.findings)
