"""What a version table claims, compared with where the schema really is."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.model.quoting import literal
from osupgrade.model.release import ALEMBIC, NUMBERED, version_column
from osupgrade.model.text import counted
from osupgrade.schema.catalogue import Lineage, Revision, later, moves
from osupgrade.schema.diff import Change, diff
from osupgrade.schema.facts import FAR, Fact, facts
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column

SOURCE = "schema"
MOST_DIGITS = 4
"""That a number in a version table has."""


@dataclass(frozen=True)
class Claim:
    """A version table's claim beside the schema.

    ``revision`` is where the schema is, ``same`` are all revisions with that schema, and ``distance`` counts the facts
    in which the schema differs from it. ``claimed`` is what the version table holds; ``agreed`` says whether one of
    these revisions is among ``same``, ``era`` in words of which release they are, where that is known.
    """

    line: Lineage
    schema: Schema
    revision: Revision
    same: tuple[str, ...]
    claimed: tuple[str, ...]
    agreed: bool
    distance: int
    era: str = ""

    @property
    def size(self) -> int:
        """How many facts the revision's own schema has."""
        return len(facts(self.revision.schema))

    @property
    def goal(self) -> Revision:
        """What the version table should say: a move is no revision, and no tool ever writes it there."""
        moved = self.revision.name in moves()
        return self.line.head(self.revision.release) if moved else self.revision

    @property
    def table(self) -> str:
        """The version table that speaks, or that ought to: a history may go on in another one than it began with."""
        name = "+".join(self.claimed) or self.goal.name
        return NUMBERED if _is_numbered(name) else ALEMBIC

    @property
    def truth(self) -> str:
        """Where the schema is, as a clause."""
        return f"the schema is that of {_spell(self.line, self.same)}"


def claim_findings(claim: Claim) -> Iterator[Finding]:
    """The finding about a version table that is missing, wrong or not of this service; nothing for a right one."""
    if claim.distance > claim.size * FAR:
        yield _far(claim)
    elif claim.agreed:
        if len(claim.claimed) > 1 and claim.table == ALEMBIC:
            rows = counted(len(claim.claimed), "{table} has {n} row[s]: ", table=ALEMBIC) + ", ".join(claim.claimed)
            yield _lie(claim, rows, "alembic expects exactly one")
    elif not claim.claimed:
        yield _unstamped(claim)
    elif known := [name for name in claim.claimed if claim.line.position(name) is not None]:
        yield _displaced(claim, known[-1])
    else:
        yield _unknown(claim)


def _far(claim: Claim) -> Finding:
    """What to say of a schema that none of upstream's explains."""
    line, revision, said = claim.line, claim.revision, ", ".join(claim.claimed)
    first, last = line.releases[0].capitalize(), line.last.capitalize()
    facts_differ = f"{claim.distance} of {claim.size} facts differ"
    consequence = "this is another release, or not the whole database; nothing below can be trusted"
    if any(line.position(name) is not None for name in claim.claimed):
        message = (
            f"{claim.table} says {said}, but the tables are not those of {revision.name} "
            f"({revision.release}): {facts_differ}"
        )
    elif claim.era:
        message = f"{claim.table} says {said}, {claim.era}; its tables are of no release from {first} to {last}"
        consequence = "no path of these releases fits it; osupgrade routes shows others"
    else:
        message = f"the schema is far from every revision up to {last}; the nearest is {revision.name} ({facts_differ})"
    return _lie(claim, message, consequence)


def _unstamped(claim: Claim) -> Finding:
    line, table = claim.line, claim.table
    column, cure = version_column(table), None
    if table == ALEMBIC:
        create = f"CREATE TABLE IF NOT EXISTS {table} ({column} VARCHAR(32) NOT NULL)"
        rows = ", ".join(f"({literal(head)})" for head in claim.goal.name.split("+"))
        stamp = f"INSERT INTO {table} ({column}) VALUES {rows}"
        cure = Cure(f"stamp it with {claim.goal.name}", (Sql(line.service, create), Sql(line.service, stamp)))
    state = "holds no version" if table in claim.schema.names else "is missing"
    return _lie(
        claim,
        f"the database was never stamped: {table} {state}; {claim.truth}",
        "the upgrade starts from the first migration and stops at the first table that exists (1050)",
        cure,
    )


def _unknown(claim: Claim) -> Finding:
    line, end = claim.line, claim.line.last.capitalize()
    what = (
        f"{claim.table} says {', '.join(claim.claimed)}, which is not an upstream revision up to {end}"
        f"{f', but {claim.era}' if claim.era else _newer(line, claim.claimed)}"
    )
    if not claim.distance:
        return _lie(claim, f"{what}; {claim.truth}", "the tool refuses the database or does nothing")
    near = f"the nearest schema is that of {_spell(line, claim.same)}, {claim.distance} of {claim.size} facts differ"
    first = line.releases[0].capitalize()
    return _lie(claim, f"{what}; {near}", f"this is not a database of the releases from {first} to {end}")


def _displaced(claim: Claim, known: str) -> Finding:
    """The version table is ahead of the schema, or behind it."""
    line, table, revision = claim.line, claim.table, claim.goal
    here, there = line.position(revision.name) or 0, line.position(known) or 0
    names = [r.name for r in line.revisions[min(here, there) + 1 : max(here, there) + 1]]
    span = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    statements = tuple(Sql(line.service, sql) for sql in _set_to(revision.name.split("+"), known.split("+")))
    cure = None
    if there > here:
        consequence = counted(
            len(names),
            "{span} never ran and will be skipped; a later migration fails where it needs [its|their] result",
            span=span,
        )
        words = "undo custom migrations with their own downgrade, then set the version back"
    else:
        consequence = counted(len(names), "{span} will run again on changes that are there, and fail", span=span)
        words = f"set the version to that of the schema, {revision.name}"
    if statements:
        cure = Cure(words, statements)
    return _lie(claim, f"{table} says {', '.join(claim.claimed)}, but {claim.truth}", consequence, cure)


def half_applied(line: Lineage, schema: Schema, claimed: str) -> Finding | None:
    """A finding when some of what the revision after ``claimed`` does is there and some is not."""
    place = line.position(claimed)
    if place is None or place + 1 >= len(line.revisions) or line.revisions[place + 1].name in moves():
        return None
    here, there = line.revisions[place], line.revisions[place + 1]
    own = facts(schema)
    before, after = facts(here.schema), facts(there.schema)
    units: dict[Hashable, set[Fact]] = {}
    whole = here.schema.names ^ there.schema.names
    gone = (here.schema.names & there.schema.names) - schema.names  # of these one cannot tell what was done
    for fact in before ^ after:
        if fact[0] in gone:
            continue
        units.setdefault(fact[0] if fact[0] in whole else fact, set()).add(fact)
    done = [facts for facts in units.values() if all((fact in own) == (fact in after) for fact in facts)]
    if not done or len(done) == len(units) or (len(done) == 1 and _is_absence(done[0], here.schema, schema)):
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
        place=NUMBERED if _is_numbered(claimed) else ALEMBIC,
        message=f"migration {there.name} is half applied: the version table says {claimed}, but {len(done)} of "
        + counted(len(units), "{n} change[s] that {name} makes [is|are] already there", name=there.name),
        consequence=f"{there.name} will run again from its start and stop at the first change that is already there",
        evidence=Evidence.of((f"what {there.name} does", "state"), [tuple(row) for row in changes]),
    )


def _is_absence(done: set[Fact], here: Schema, schema: Schema) -> bool:
    """Whether a thing that seems done is a table that is not there: it may as well have been left out of a dump."""
    tables = {table for table, _ in done}
    return tables <= here.names - schema.names


def _done(change: Change, done: set[Fact]) -> bool:
    table = change.table or change.name
    if change.object == "table":
        return (table, "") in done
    items = [item for item in (change.before, change.after) if item is not None and not isinstance(item, str)]
    plain = [replace(item, collation="") if isinstance(item, Column) else item for item in items]
    return any(fact[0] == table and (fact[1] in plain or _same_key(fact[1], plain)) for fact in done)


def _same_key(fact: Hashable, items: Sequence[object]) -> bool:
    return any(hasattr(item, "referred") and replace(item, name="") == fact for item in items)  # type: ignore[type-var]


def _lie(claim: Claim, message: str, consequence: str, cure: Cure | None = None) -> Finding:
    return Finding(SOURCE, Severity.ERROR, claim.line.service, claim.table, message, consequence, cure=cure)


def _is_numbered(revision: str) -> bool:
    """Whether a revision's name is numbers, one for each repository; alembic's may be digits alone, but many."""
    return all(part.isdigit() and len(part) <= MOST_DIGITS for part in revision.split("+"))


def _set_to(wanted: Sequence[str], held: Sequence[str]) -> list[str]:
    """The statements that put the versions ``wanted`` in the place of those that are ``held``.

    None where a service has changed its version table between the two, or the number of its repositories.
    """
    numbered = _is_numbered("+".join(held))
    if numbered != _is_numbered("+".join(wanted)) or (numbered and len(wanted) != len(held)):
        return []
    table = NUMBERED if numbered else ALEMBIC
    column = version_column(table)
    if numbered:  # with the service's own first, which is the highest, and each repository's beside its own
        pairs = list(zip(*(sorted(names, key=int, reverse=True) for names in (held, wanted)), strict=True))
        gone, new = ([pair[at] for pair in dict.fromkeys(pairs) if pair[0] != pair[1]] for at in (0, 1))
        if len(set(gone)) < len(gone) or set(gone) & set(new):  # one statement would undo another
            return []
    else:
        gone, new = ([name for name in one if name not in other] for one, other in ((held, wanted), (wanted, held)))
    both = zip(gone, new, strict=False)
    said = [f"UPDATE {table} SET {column} = {literal(b)} WHERE {column} = {literal(a)}" for a, b in both]
    said += [f"DELETE FROM {table} WHERE {column} = {literal(name)}" for name in gone[len(new) :]]
    return said + [f"INSERT INTO {table} ({column}) VALUES ({literal(name)})" for name in new[len(gone) :]]


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
            return f" ({ends} ends at {last}: a later release, or custom migrations)"
        return (
            f" ({begins}'s tool begins at {first}: an older release)" if numbers and max(numbers) < int(first) else ""
        )
    return " (a later release)" if set(claim) & later(line.service) else ""
