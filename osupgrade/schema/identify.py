"""Which service, release and revision a database is really at, whatever its version table claims, and what is its own.

A schema is taken apart into small facts (a table, a column, an index, a key). Those that upstream has at some revision
tell how far a database is from each revision; those that upstream never has are the operator's and do not blur the
picture. Character sets and engines are no facts here: they say nothing about the revision.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from osupgrade.catalog.services import services as content_services
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.model.quoting import literal
from osupgrade.model.release import version_column
from osupgrade.schema.catalogue import (
    Lineage,
    Revision,
    later,
    lineage,
    moves,
    refuses_not_utf8,
    revision_name,
    services,
    variants,
)
from osupgrade.schema.diff import Change, diff, diff_tables, generated, made_for_a_key
from osupgrade.schema.snapshot import Column, ForeignKey, Index, Schema, Table

SOURCE = "schema"
FAR = 0.4
"""The part of a revision's facts that may be otherwise before a schema is taken for that of another release."""
Fact = tuple[str, Hashable]
"""A table's name and a part of the table; an empty part stands for the table itself."""


@dataclass(frozen=True)
class Identity:
    """Where a database really stands. ``distance`` counts upstream's facts that it has otherwise or lacks.

    ``same`` are all revisions with this very schema, ``revision`` is that among them which the version table claims,
    or else a release's head, or else the last. ``claim`` is what the version table holds, ``half`` is the next
    revision where that was left half done.
    """

    line: Lineage
    revision: Revision
    same: tuple[str, ...]
    claim: tuple[str, ...]
    distance: int
    findings: tuple[Finding, ...]
    half: Revision | None = None

    @property
    def foreign(self) -> bool:
        """Whether this is another release than those of the catalogue, or not the whole database."""
        far = self.distance > len(facts(self.revision.schema)) * FAR
        stranger = bool(self.claim) and not any(self.line.position(name) is not None for name in self.claim)
        return far or (stranger and (self.distance > 0 or not later(self.line.service).isdisjoint(self.claim)))

    @property
    def honest(self) -> bool:
        """Whether the version table says where the schema is."""
        moved = self.revision.name in moves()
        expected = self.line.head(self.revision.release).name if moved else self.revision.name
        return self.claim == (expected,)


@dataclass(frozen=True)
class Study:
    """All that a schema alone says about one service's database."""

    identity: Identity
    customisations: tuple[Change, ...]
    findings: tuple[Finding, ...]


def recognise(schema: Schema) -> str | None:
    """The service whose database this is, by its tables; None for a database that is no service's."""
    heads = [
        (service, _head_tables(service, variant, release))
        for service in services()
        for variant in variants(service)
        for release in lineage(service, variant).releases
    ]
    # nova has most of cinder's tables too, so a table that the service does not have counts against it.
    upstream = schema.names & frozenset().union(*(tables for _, tables in heads))
    score, best = max((len(tables & upstream) / max(1, len(tables | upstream)), service) for service, tables in heads)
    return best if score >= 0.4 else None


def study(service: str, schema: Schema, claim: Sequence[str], *, expected: str = "") -> Study:
    """Identity, customisations and the findings about both; see :func:`identify`."""
    identity = identify(service, schema, claim, expected=expected)
    changes = customisations(schema, identity.line, identity.revision.name)
    if identity.half:
        changes = _not_left_by(identity.half, identity.revision, changes)
    found = [*identity.findings, *customisation_findings(identity, changes)]
    if odd := charset_finding(service, schema, identity.revision.schema, identity.line):
        found.append(odd)
    return Study(identity, changes, tuple(found))


def identify(service: str, schema: Schema, claim: Sequence[str], *, expected: str = "") -> Identity:
    """The revision that a schema is at, with findings where its version table lies, is missing or stands half-way.

    ``claim`` is what the version table holds. Of plugin sets that fit equally well, the ``expected`` one is taken, or
    else the plainest: Grizzly's tool alone makes the same tables with load balancing and without. Raises UsageFault for
    a service that the catalogue lacks.
    """
    claim = _claimed(service, claim)
    candidates = [_nearest(lineage(service, variant), schema) for variant in variants(service)]
    line, distances, _ = min(candidates, key=lambda one: (min(one[1]), one[2], one[0].variant != expected))
    nearest = min(distances)
    best = nearest[1]
    same = tuple(dict.fromkeys(r.name for r, d in zip(line.revisions, distances, strict=True) if d == nearest))
    claimed = [name for name in claim if line.position(name) is not None]
    agreed = next((name for name in claimed if name in same), None)
    if not agreed and same[0] in moves() and claimed == [line.head(line.at(same[0]).release).name]:
        agreed = same[0]
    heads = [line.head(release).name for release in line.releases]
    revision = line.at(agreed or next((name for name in reversed(same) if name in heads), same[-1]))
    if not agreed and claimed and (half := _half_applied(line, schema, claimed[-1])):
        revision = line.at(claimed[-1])
        return Identity(line, revision, same, tuple(claim), best, (half,), _next(line, revision))
    if agreed and best and (half := _half_applied(line, schema, agreed)):
        return Identity(line, revision, same, tuple(claim), best, (half,), _next(line, revision))
    findings = tuple(_claims(line, schema, revision, same, tuple(claim), agreed is not None, best))
    return Identity(line, revision, same, tuple(claim), best, findings)


def _claimed(service: str, claim: Sequence[str]) -> tuple[str, ...]:
    """What a version table holds; the heads of several branches become one name, as the catalogue has them."""
    name = revision_name(claim)
    known = any(lineage(service, variant).position(name) is not None for variant in variants(service))
    return (name,) if known else tuple(claim)


def customisations(schema: Schema, line: Lineage, revision: str) -> tuple[Change, ...]:
    """What a database has that upstream at ``revision`` has not, has otherwise, or what it lacks.

    Character sets and engines are left to :func:`charset_finding`; tables that the service makes itself are upstream's,
    indexes and names that the server makes up itself are nobody's.
    """
    reference = line.at(revision)
    optional = line.optional(reference)
    missing_version = line.version_table not in schema.names
    found: list[Change] = []
    for change in diff(reference.schema, schema):
        if change.same_but_charset or (missing_version and change.name == line.version_table):
            continue
        if _by_the_server(change, schema):
            continue
        if change.object == "table" and change.kind == "added" and change.name in optional:
            after = schema.table(change.name)
            parts = diff_tables(optional[change.name], after) if after else ()
            found.extend(p for p in parts if not (p.same_but_charset or _by_the_server(p, schema)))
        elif isinstance(change.before, Column) and isinstance(change.after, Column):
            plain = replace(change.before, collation=change.after.collation)
            found.append(replace(change, before=plain))
        else:
            found.append(change)
    return tuple(found)


def _not_left_by(half: Revision, before: Revision, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """The customisations without what a migration did before it stopped; a single thing may well be a back-port."""
    does = {(change.kind, change.object, change.place) for change in diff(before.schema, half.schema)}
    own = tuple(change for change in changes if (change.kind, change.object, change.place) not in does)
    return own if len(changes) - len(own) > 1 else changes


def _by_the_server(change: Change, schema: Schema) -> bool:
    """Whether the server made this up: an index for a foreign key, or a foreign key's number (``ports_ibfk_2``).

    The numbers follow the order in which the tool states the keys, which is chance under Python 2.
    """
    before, after, table = change.before, change.after, schema.table(change.table)
    if change.kind == "renamed" and isinstance(before, ForeignKey) and isinstance(after, ForeignKey):
        return generated(change.table, before) and generated(change.table, after)
    if change.kind != "added" or not isinstance(after, Index) or table is None:
        return False
    return made_for_a_key(table, after)


def customisation_findings(identity: Identity, changes: Iterable[Change]) -> list[Finding]:
    """One finding a customisation: own additions are told, what upstream has and the database not is a warning."""
    revision = identity.revision
    upstream = f"upstream at {revision.name} ({revision.release})"
    return [
        Finding(
            source=SOURCE,
            severity=Severity.INFO if change.kind in ("added", "renamed") else Severity.WARNING,
            service=identity.line.service,
            place=change.place,
            message=change.against(upstream),
            consequence=_shadowed(identity, change),
        )
        for change in changes
    ]


def charset_finding(service: str, schema: Schema, reference: Schema, line: Lineage) -> Finding | None:
    """Character sets and engines that differ from upstream's, all of them in one finding; None when none does."""
    upstream = {table.name: table for table in reference.tables}
    usual = Table("", ())
    odd: list[tuple[str, str, str]] = []
    for table in schema.tables:
        wanted = upstream.get(table.name, usual)
        usual_texts = {c.charset for c in wanted.columns if c.collation} | {wanted.charset}
        texts = sorted({c.charset for c in table.columns if c.collation} - usual_texts)
        charsets = texts or ([table.charset] if table.charset != wanted.charset else [])
        if charsets or table.engine != wanted.engine:
            odd.append((table.name, ", ".join(charsets) or wanted.charset, table.engine))
    if not odd and (not schema.collation or schema.collation == reference.collation):
        return None
    # The check is part of the old migration library's wrapper; alembic has none.
    numbered = line.version_table == "migrate_version"
    refuses = numbered and refuses_not_utf8(service) and any("utf8" not in row[1] for row in odd)
    database = schema.collation.split("_")[0]
    counted = f"{len(odd)} of {len(schema.tables)} tables" if odd else "the database's default"
    return Finding(
        source=SOURCE,
        severity=Severity.ERROR if refuses else Severity.WARNING,
        service=service,
        place="character sets and engines",
        message=f"{counted} have another character set or engine than upstream's; the database's default is {database}",
        consequence=(
            f"{line.last.capitalize()}'s {service} refuses to migrate tables that are not utf8"
            if refuses
            else "a new table takes the server's and the database's default, and its foreign key onto an old table "
            "with another character set or engine fails (1215)"
        ),
        evidence=Evidence.of(("table", "character sets", "engine"), [tuple(row) for row in odd]),
    )


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
def _line_facts(service: str, variant: str) -> tuple[frozenset[Fact], tuple[frozenset[Fact], ...]]:
    """The facts of each revision, and all of them together. Revisions share their tables, so each is taken once."""
    line = lineage(service, variant)
    each = []
    by_table: dict[int, frozenset[Fact]] = {}
    for revision in line.revisions:
        for table in revision.schema.tables:
            if id(table) not in by_table:
                by_table[id(table)] = _table_facts(table)
        each.append(frozenset().union(*(by_table[id(table)] for table in revision.schema.tables)))
    return frozenset().union(*each), tuple(each)


@functools.cache
def _head_tables(service: str, variant: str, release: str) -> frozenset[str]:
    line = lineage(service, variant)
    if release not in {revision.release for revision in line.revisions}:
        return frozenset()
    return line.head(release).schema.names - {line.version_table}


def _nearest(line: Lineage, schema: Schema) -> tuple[Lineage, tuple[tuple[int, int], ...], int]:
    """How far the schema is from each revision, and how much of it no revision at all explains.

    Far is told first by acts, then by facts: a table that is dropped or made is one act, however much was in it.
    """
    known, each = _line_facts(line.service, line.variant)
    # The version table's absence has a finding of its own.
    own = {fact for fact in facts(schema) & known if fact[0] != line.version_table}
    made = {table.name for tables in line.served.values() for table in tables}
    strange = sum(fact[0] not in made for fact in facts(schema) - known)
    distances = []
    for revision, wanted in zip(line.revisions, each, strict=True):
        optional = line.optional(revision)
        apart = {fact for fact in own ^ wanted if fact[0] not in optional and fact[0] != line.version_table}
        whole = {table for table, part in apart if part == ""}
        acts = len(whole) + sum(table not in whole for table, _ in apart)
        distances.append((acts, len(apart)))
    return line, tuple(distances), strange


def _next(line: Lineage, revision: Revision) -> Revision:
    return line.revisions[(line.position(revision.name) or 0) + 1]


def _half_applied(line: Lineage, schema: Schema, claimed: str) -> Finding | None:
    """A finding when some of what the revision after ``claimed`` does is there and some is not."""
    place = line.position(claimed)
    if place is None or place + 1 >= len(line.revisions) or line.revisions[place + 1].name in moves():
        return None
    here, there = line.revisions[place], line.revisions[place + 1]
    own = facts(schema)
    before, after = facts(here.schema), facts(there.schema)
    units: dict[Hashable, set[Fact]] = {}
    whole = here.schema.names ^ there.schema.names
    for fact in before ^ after:
        units.setdefault(fact[0] if fact[0] in whole else fact, set()).add(fact)
    done = [facts for facts in units.values() if all((fact in own) == (fact in after) for fact in facts)]
    if not done or len(done) == len(units):
        return None
    changes = [
        (
            change.sentence,
            "done" if _done(change, {fact for unit in done for fact in unit}) else "not done",
        )
        for change in diff(here.schema, there.schema)
    ]
    return Finding(
        source=SOURCE,
        severity=Severity.ERROR,
        service=line.service,
        place=line.version_table,
        message=f"migration {there.name} is half applied: the version table says {claimed}, but {len(done)} of the "
        f"{len(units)} things that {there.name} does are there already",
        consequence=f"{there.name} runs again from its start and stops at the first thing that is there",
        evidence=Evidence.of((f"what {there.name} does", "state"), [tuple(row) for row in changes]),
    )


def _done(change: Change, done: set[Fact]) -> bool:
    table = change.table or change.name
    if change.object == "table":
        return (table, "") in done
    items = [item for item in (change.before, change.after) if item is not None and not isinstance(item, str)]
    plain = [replace(item, collation="") if isinstance(item, Column) else item for item in items]
    return any(fact[0] == table and (fact[1] in plain or _same_key(fact[1], plain)) for fact in done)


def _same_key(fact: Hashable, items: Sequence[object]) -> bool:
    return any(hasattr(item, "referred") and replace(item, name="") == fact for item in items)  # type: ignore[type-var]


def _claims(
    line: Lineage,
    schema: Schema,
    revision: Revision,
    same: tuple[str, ...],
    claim: tuple[str, ...],
    agreed: bool,
    distance: int,
) -> Iterable[Finding]:
    table, service = line.version_table, line.service
    truth = f"the schema is that of {_spell(line, same)}"
    size = len(facts(revision.schema))
    if distance > size * FAR:
        yield _lie(
            line,
            f"the schema is far from every revision up to {line.last.capitalize()}; the nearest is {revision.name} "
            f"({distance} of {size} facts differ)",
            "this is another release, or not the whole database; nothing below can be trusted",
        )
        return
    if agreed:
        if len(claim) > 1 and table == "alembic_version":
            yield _lie(line, f"{table} holds {len(claim)} rows: {', '.join(claim)}", "alembic wants exactly one")
        return
    column = version_column(table)
    if not claim:
        cure = None
        if table == "alembic_version":
            create = f"CREATE TABLE IF NOT EXISTS {table} ({column} VARCHAR(32) NOT NULL)"
            stamp = f"INSERT INTO {table} ({column}) VALUES ({literal(revision.name)})"
            cure = Cure(f"stamp it with {revision.name}", (Sql(service, create), Sql(service, stamp)))
        yield _lie(
            line,
            f"the database was never stamped: {table} {'is empty' if table in schema.names else 'is missing'}; {truth}",
            "the upgrade starts from the first migration and stops at the first table that exists (1050)",
            cure,
        )
        return
    said = ", ".join(claim)
    known = [name for name in claim if line.position(name) is not None]
    if not known:
        end = line.last.capitalize()
        what = f"{table} says {said}, which is no revision of upstream's up to {end}{_newer(line, claim)}"
        if distance:
            first, last = line.releases[0].capitalize(), line.last.capitalize()
            near = f"the nearest schema is that of {_spell(line, same)}, {distance} of {size} facts differ"
            yield _lie(line, f"{what}; {near}", f"this is no database of the releases from {first} to {last}")
        else:
            yield _lie(line, f"{what}; {truth}", "the tool refuses the database or does nothing")
        return
    here, there = line.position(revision.name) or 0, line.position(known[-1]) or 0
    names = [r.name for r in line.revisions[min(here, there) + 1 : max(here, there) + 1]]
    span = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    back = f"UPDATE {table} SET {column} = {literal(revision.name)} WHERE {column} = {literal(known[-1])}"
    if there > here:
        consequence = (
            f"{span} never ran and are skipped for ever; a later migration fails on what they should have done"
        )
        cure = Cure("undo own migrations with their own downgrade, then set the version back", (Sql(service, back),))
    else:
        consequence = f"{span} {'runs' if len(names) == 1 else 'run'} again on what is there already and fails"
        cure = Cure(f"set the version to what is there, {revision.name}", (Sql(service, back),))
    yield _lie(line, f"{table} says {said}, but {truth}", consequence, cure)


def _lie(line: Lineage, message: str, consequence: str, cure: Cure | None = None) -> Finding:
    return Finding(SOURCE, Severity.ERROR, line.service, line.version_table, message, consequence, cure=cure)


def _spell(line: Lineage, same: tuple[str, ...]) -> str:
    release = line.at(same[0]).release
    if len(same) == 1:
        return f"{same[0]} ({release})"
    return f"{same[0]} to {same[-1]} ({release})"


def _newer(line: Lineage, claim: tuple[str, ...]) -> str:
    """Which way a version lies that is none of upstream's; empty where it does not say."""
    first, last = line.revisions[0].name, line.head(line.last).name
    begins, ends = line.releases[0].capitalize(), line.last.capitalize()
    if first.isdigit() and last.isdigit():
        numbers = [int(name) for name in claim if name.isdigit()]
        if numbers and max(numbers) > int(last):
            return f" ({ends} ends at {last}: a later release, or own migrations)"
        return (
            f" ({begins}'s tool begins at {first}: an older release)" if numbers and max(numbers) < int(first) else ""
        )
    return " (a later release)" if set(claim) & later(line.service) else ""


def _shadowed(identity: Identity, change: Change) -> str:
    known = content_services().get(identity.line.service)
    if known is None or known.copies is None:
        return ""
    copy = f"{known.copies.prefix}{change.table}"
    if change.object == "column" and copy in identity.revision.schema.names:
        return known.copies.why.format(table=copy)
    return ""
