"""Schemas as small facts, and how far one is from each of upstream's revisions.

A schema is split into facts (a table, a column, an index, a key). Those that upstream has at some revision tell
how far a database is from each revision; those that upstream never has are the operator's and do not blur the picture.
Character sets and engines are no facts here: they say nothing about the revision.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

from osupgrade.model.release import VERSION_TABLES
from osupgrade.schema.catalogue import Lineage, lineage
from osupgrade.schema.diff import generated, made_for_a_key
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Table

FAR = 0.4
"""The part of a revision's facts that may differ before a schema counts as that of another release."""
Fact = tuple[str, Hashable]
"""A table's name and a part of the table; an empty part is the table itself."""


def facts(schema: Schema) -> frozenset[Fact]:
    """A schema as facts that can be counted."""
    return frozenset().union(*(_table_facts(table) for table in schema.tables))


@functools.lru_cache(maxsize=8192)
def _table_facts(table: Table) -> frozenset[Fact]:
    found: set[Fact] = {(table.name, "")}
    found |= {(table.name, replace(column, collation="")) for column in table.columns}
    found |= {(table.name, index) for index in table.indexes if not made_for_a_key(table, index)}
    found |= {(table.name, replace(key, name="") if generated(table.name, key) else key) for key in table.foreign_keys}
    return frozenset(found)


@functools.cache
def _line_facts(service: str, variant: str) -> tuple[frozenset[Fact], tuple[Mapping[str, frozenset[Fact]], ...]]:
    """All facts of a lineage, and those of each revision by table. Revisions share tables, so each is taken once."""
    line = lineage(service, variant)
    by_table: dict[int, frozenset[Fact]] = {}
    for revision in line.revisions:
        for table in revision.schema.tables:
            if id(table) not in by_table:
                by_table[id(table)] = _table_facts(table)
    each = tuple({t.name: by_table[id(t)] for t in revision.schema.tables} for revision in line.revisions)
    return frozenset().union(*by_table.values()), each


@functools.cache
def head_tables(service: str, variant: str, release: str) -> frozenset[str]:
    """The tables at the head of a release, the version table left out; none where the lineage lacks the release."""
    line = lineage(service, variant)
    if release not in {revision.release for revision in line.revisions}:
        return frozenset()
    return line.head(release).schema.names - {line.version_table}


@dataclass(frozen=True, order=True)
class Distance:
    """How far a schema is from a revision: first in acts, then in facts.

    A table that is dropped or made is one act, however much was in it. What a table that is not there would hold says
    nothing about the revision: dumps are often taken without a large one.
    """

    acts: int
    told: int
    """Facts that differ in the tables that are there, and one for each table that is not."""
    facts: int = field(compare=False)
    """All facts that differ."""


def distances_of(line: Lineage, schema: Schema) -> tuple[Lineage, tuple[Distance, ...], int]:
    """How far the schema is from each revision, and how much of it no revision at all explains."""
    known, each = _line_facts(line.service, line.variant)
    found = facts(schema)
    if keyless := frozenset(table.name for table in schema.tables if table.engine.lower() != "innodb"):
        each = tuple(
            {table.name: _table_facts(_without_keys(table, keyless)) for table in revision.schema.tables}
            for revision in line.revisions
        )
        known = known.union(*(one for tables in each for one in tables.values()))
    made = {table.name for tables in line.served.values() for table in tables}
    strange = sum(fact[0] not in made for fact in found - known)
    own: dict[str, set[Fact]] = {}
    for fact in found & known:
        own.setdefault(fact[0], set()).add(fact)
    tried: dict[frozenset[Fact], int] = {}
    distances = []
    for revision, wanted in zip(line.revisions, each, strict=True):
        # The version table's absence has a finding of its own, and a service may keep the one that it had before.
        left_out = {*line.optional(revision), *VERSION_TABLES}
        acts = told = apart = 0
        for name in (wanted.keys() | own.keys()) - left_out:
            if name in wanted and name in own:
                if wanted[name] not in tried:
                    tried[wanted[name]] = len(own[name] ^ wanted[name])
                differ = tried[wanted[name]]
                acts += differ
                told += differ
            else:
                differ = len(wanted[name] if name in wanted else own[name])
                acts += 1
                told += differ if name in own else 1
            apart += differ
        distances.append(Distance(acts, told, apart))
    return line, tuple(distances), strange


def _without_keys(table: Table, keyless: frozenset[str]) -> Table:
    """A table as it is when it or others cannot have foreign keys: their absence tells no revision."""
    kept = tuple(key for key in table.foreign_keys if table.name not in keyless and key.table not in keyless)
    return table if len(kept) == len(table.foreign_keys) else replace(table, foreign_keys=kept)
