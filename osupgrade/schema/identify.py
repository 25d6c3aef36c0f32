"""Which service, release and revision a database is really at, whatever its version table claims; what is its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.services import names
from osupgrade.catalog.services import services as content_services
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.release import NUMBERED
from osupgrade.model.text import counted
from osupgrade.schema.catalogue import (
    Lineage,
    Revision,
    is_revision,
    later,
    lineage,
    moves,
    refuses_not_utf8,
    revision_name,
    routes,
    services,
    variants,
)
from osupgrade.schema.claims import SOURCE, Claim, claim_findings, half_applied
from osupgrade.schema.diff import Change, diff, diff_tables, generated, made_for_a_key
from osupgrade.schema.explained import is_explained
from osupgrade.schema.facts import FAR, distances_of, facts, head_tables
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, ForeignKey, Index, Table

CHARACTER_SETS = "character sets and engines"
"""The place of the finding about them."""


@dataclass(frozen=True)
class Identity:
    """At which revision a database really is. ``distance`` counts upstream's facts that it lacks or that differ.

    ``same`` are all revisions with this very schema, ``revision`` is that among them which the version table claims,
    or else the head of a release that is nearest to the claim, or else the last. Without a claim it is the first head:
    the tools of later releases know it too. ``claim`` is what the version table holds, ``half`` is the next
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

    @property
    def whole(self) -> tuple[Finding, ...]:
        """The findings about the database as a whole: its version, its character sets and engines."""
        places = {change.place for change in self.customisations}
        return tuple(finding for finding in self.findings if finding.place not in places)


def recognise(schema: Schema) -> str | None:
    """The service whose database this is, by its tables; None for a database that is no service's."""
    heads = [
        (service, head_tables(service, variant, release))
        for service in services()
        for variant in variants(service)
        for release in lineage(service, variant).releases
    ]
    # nova has most of cinder's tables too, so a table that the service does not have counts against it.
    upstream = schema.names & frozenset().union(*(tables for _, tables in heads))
    score, best = max((len(tables & upstream) / max(1, len(tables | upstream)), service) for service, tables in heads)
    return best if score >= 0.4 else None


def study(service: str, schema: Schema, claim: Sequence[str], *, expected: str = "", era: str = "") -> Study:
    """Identity, customisations and the findings about both; see :func:`identify`."""
    identity = identify(service, schema, claim, expected=expected, era=era)
    changes = customisations(schema, identity.line, identity.revision.name)
    if identity.half:
        changes = _not_left_by(identity.half, identity.revision, changes)
    found = [*identity.findings, *customisation_findings(identity, changes)]
    if odd := charset_finding(service, schema, identity.revision, identity.line):
        found.append(odd)
    return Study(identity, changes, tuple(found))


def identify(service: str, schema: Schema, claim: Sequence[str], *, expected: str = "", era: str = "") -> Identity:
    """A schema's revision, with findings where its version is wrong or missing, or a migration half applied.

    ``claim`` is what the version table holds, ``era`` says in words of which release that is where it is known.
    Of plugin sets that fit equally well, the ``expected`` one is chosen, or else the plainest: Grizzly's tool alone
    makes the same tables with load balancing and without. A schema that is far from all of them is compared with what
    it claims to be. Raises UsageFault for a service that the catalogue lacks.
    """
    claim = _claimed(service, claim)
    candidates = [distances_of(lineage(service, variant), schema) for variant in variants(service)]
    candidates = [one for one in candidates if any(one[0].position(name) is not None for name in claim)] or candidates
    line, distances, _ = min(candidates, key=lambda one: (min(one[1]), one[2], one[0].variant != expected))
    nearest = min(distances)
    best = nearest.facts
    same = tuple(dict.fromkeys(r.name for r, d in zip(line.revisions, distances, strict=True) if d == nearest))
    claimed = [name for name in claim if line.position(name) is not None]
    agreed = next((name for name in claimed if name in same), None)
    if not agreed and same[0] in moves() and claimed and _settled(line, claimed[-1], same[0]):
        agreed = same[0]
    revision = line.at(agreed or _among(line, same, claimed))
    if not agreed and claimed and best > len(facts(revision.schema)) * FAR:
        line, distances, _ = next((one for one in candidates if one[0].variant == expected), candidates[0])
        revision, best = line.at(claimed[-1]), distances[line.position(claimed[-1]) or 0].facts
    if not agreed and claimed and (half := half_applied(line, schema, claimed[-1])):
        revision = line.at(claimed[-1])
        return Identity(line, revision, same, tuple(claim), best, (half,), _next(line, revision))
    if agreed and best and (half := half_applied(line, schema, agreed)):
        return Identity(line, revision, same, tuple(claim), best, (half,), _next(line, revision))
    findings = tuple(claim_findings(Claim(line, schema, revision, same, tuple(claim), agreed is not None, best, era)))
    return Identity(line, revision, same, tuple(claim), best, findings)


def _among(line: Lineage, same: Sequence[str], claimed: Sequence[str]) -> str:
    """Which of some revisions with the same schema a database is said to be at that claims another one, or none."""
    heads = {line.head(release).name for release in line.releases}
    ends = [name for name in same if name in heads] or [same[-1]]
    beyond = bool(claimed) and (line.position(claimed[-1]) or 0) > (line.position(same[-1]) or 0)
    return ends[-1] if beyond else ends[0]


def _settled(line: Lineage, claimed: str, move: str) -> bool:
    """Whether a version is that of a move's release: its head, or one from which on nothing changes any more."""
    here, head = line.position(claimed) or 0, line.head(line.at(move).release)
    end = line.position(head.name) or 0
    return here <= end and all(known.schema == head.schema for known in line.revisions[here:end])


def _claimed(service: str, claim: Sequence[str]) -> tuple[str, ...]:
    """What a version table holds; the heads of several branches become one name, as the catalogue has them."""
    name = revision_name(claim)
    return (name,) if is_revision(service, name) else tuple(claim)


def customisations(schema: Schema, line: Lineage, revision: str) -> tuple[Change, ...]:
    """How a database differs from upstream at ``revision``: what is added, changed or missing.

    Character sets and engines are left to :func:`charset_finding`; tables that the service makes itself are upstream's,
    indexes and names that the server makes up itself do not count.
    """
    reference = line.at(revision)
    optional = line.optional(reference)
    missing_version = line.version_table not in schema.names
    found: list[Change] = []
    for change in diff(reference.schema, schema):
        if change.same_but_charset or (missing_version and change.name == line.version_table):
            continue
        if _by_the_server(change, schema) or _by_its_age(change, line, reference):
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


def _by_its_age(change: Change, line: Lineage, reference: Revision) -> bool:
    """Whether a database that an earlier release than the route's first made may differ so."""
    return line.variant in routes() and is_explained(line.service, change, load_releases()[reference.release].version)


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
    """One finding a customisation: own additions are information, what upstream has and it lacks is a warning."""
    revision = identity.revision
    upstream = f"upstream at {revision.name} ({revision.release})"
    return [
        Finding(
            source=SOURCE,
            severity=Severity.INFO if change.kind in ("added", "renamed") else Severity.WARNING,
            service=identity.line.service,
            place=change.place,
            message=difference(identity, change, upstream),
            consequence=_shadowed(identity, change),
        )
        for change in changes
    ]


def charset_finding(service: str, schema: Schema, revision: Revision, line: Lineage) -> Finding | None:
    """Character sets and engines that differ from upstream's, all of them in one finding; None when none does."""
    reference = revision.schema
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
    if not odd and schema.collation.split("_")[0] == reference.collation.split("_")[0]:
        return _collation_finding(service, schema)
    # The check is part of the old migration library's wrapper; alembic has none.
    numbered = line.version_table == NUMBERED
    ahead = (line.position(revision.name) or 0) < (line.position(line.head(line.last).name) or 0)
    refuses = ahead and numbered and any("utf8" not in row[1] and refuses_not_utf8(service, row[0]) for row in odd)
    database = schema.collation.split("_")[0]
    subject = counted(len(odd), "{n} of {all} tables [has|have]", all=len(schema.tables)) if odd else "the database has"
    alike = all(row[1] == database and row[2] == "InnoDB" for row in odd) and len(odd) == len(schema.tables)
    usually = (
        f"every table has the database's default, so new tables match; text that {database} cannot store is rejected"
        if alike
        else "a new table gets the default of the server and the database, and its foreign key to an old table "
        "with another character set or engine fails (1215)"
    )
    return Finding(
        source=SOURCE,
        severity=Severity.ERROR if refuses else Severity.WARNING,
        service=service,
        place=CHARACTER_SETS,
        message=f"{subject} a different character set or engine from upstream's; the database's default is {database}",
        consequence=(
            f"{line.last.capitalize()}'s {service} refuses to migrate tables that are not utf8" if refuses else usually
        ),
        evidence=Evidence.of(("table", "character sets", "engine"), [tuple(row) for row in odd]),
    )


def _collation_finding(service: str, schema: Schema) -> Finding | None:
    """What to say of a default that has upstream's character set and another collation, unless all tables have it."""
    other = [(table.name, table.collation) for table in schema.tables if table.collation != schema.collation]
    if not other:
        return None
    return Finding(
        source=SOURCE,
        severity=Severity.WARNING,
        service=service,
        place=CHARACTER_SETS,
        message=counted(
            len(other),
            "{n} of {all} tables [does|do] not have the database's default collation, {default}",
            all=len(schema.tables),
            default=schema.collation,
        ),
        consequence="a new table gets the default, and its foreign key to a text column with another collation fails "
        "(1005, errno 150)",
        evidence=Evidence.of(("table", "collation"), [*other]),
    )


def _next(line: Lineage, revision: Revision) -> Revision:
    return line.revisions[(line.position(revision.name) or 0) + 1]


def difference(identity: Identity, change: Change, upstream: str) -> str:
    """How a database differs from ``upstream``, and whether a table that is not there has a name of upstream's."""
    words = change.against(upstream)
    if change.object == "table" and change.kind == "added" and change.name in names(identity.line.service):
        return f"{words} (upstream has this name elsewhere: in a plugin, an extension or another release)"
    return words


def _shadowed(identity: Identity, change: Change) -> str:
    known = content_services().get(identity.line.service)
    if known is None or known.copies is None:
        return ""
    copy = f"{known.copies.prefix}{change.table}"
    if change.object == "column" and copy in identity.revision.schema.names:
        return known.copies.why.format(table=copy)
    return ""
