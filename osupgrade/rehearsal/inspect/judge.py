"""Looking at a cloud before any step: what its databases really are, what is their own, what will go wrong.

What cannot be looked at becomes a finding and spares the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import sqlalchemy

from osupgrade.catalog.eras import brought_by, clause_of, ending_at
from osupgrade.catalog.revisions import behind, marked
from osupgrade.catalog.site import Site
from osupgrade.catalog.versions import ends_at
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.passed import passed_over
from osupgrade.lab.live_server import LiveServer
from osupgrade.lab.sql_server import SqlServer
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Fate, Finding, Severity
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import quoted
from osupgrade.model.stage import SEEDED
from osupgrade.rehearsal.asking import ask, error_text, merged, spared
from osupgrade.rehearsal.covered import covered
from osupgrade.rehearsal.inspect.model import SOURCE, Database, Inspection, Own, Size
from osupgrade.rehearsal.inspect.open import Opened, rows_of
from osupgrade.rehearsal.inspect.stamp import taken_as_stamped, version_table
from osupgrade.scenarios.contract import Scenario
from osupgrade.schema.catalogue import covers, variant_of
from osupgrade.schema.diff import described
from osupgrade.schema.foresight import foresee
from osupgrade.schema.identify import CHARACTER_SETS, difference
from osupgrade.schema.reading import Rows, read_with
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.survey import Survey, missing_privileges, read_claim, read_sizes, survey


def inspect_cloud(opened: Opened, plan: Plan, site: Site, scenarios: Iterable[Scenario]) -> Inspection:
    """Survey every service's database and ask all preflights of the start."""
    seen = _Seen([], [], list(opened.findings), set())
    for service, database in opened.databases.items():
        _look(opened, service, database, plan, site, seen)
    cloud = Cloud(opened.server, opened.databases, site, SOURCE, assumed=opened.assumed)
    reported = _preflights(cloud, plan, scenarios, seen.left_out)
    found = [*seen.findings]
    found += [
        finding
        for one in seen.surveys
        for finding in one.findings
        if not (covered(finding, reported) or _of_the_assumption(finding, one, opened))
    ]
    for one in seen.surveys:
        if one.service not in seen.left_out:
            found += _foreseen(opened.server, one, plan, reported)
    own = tuple(entry for one in seen.surveys if one.service not in seen.left_out for entry in _own(one))
    if not isinstance(opened.server, LiveServer):
        found += left_out_tables(own)
    if absent := sorted(set(plan.services) & set(plan.first.services) - set(opened.databases)):
        words = f"there is no database of {', '.join(absent)} here; checks that span several databases were skipped"
        found.append(Finding(SOURCE, Severity.INFO, "", "", words))
    return Inspection(tuple(seen.databases), own, (*found, *merged(reported)))


@dataclass(frozen=True)
class _Seen:
    """What was seen of one database after the other."""

    databases: list[Database]
    surveys: list[Survey]
    findings: list[Finding]
    left_out: set[str]
    """The services that no preflight is to look at: they cannot be read, or are of another release."""


def _of_the_assumption(finding: Finding, one: Survey, opened: Opened) -> bool:
    """Whether a finding is about the database's default alone, where that is the lab's own assumption."""
    tables = "engine" in finding.evidence.columns and finding.evidence.rows
    return finding.place == CHARACTER_SETS and one.service in opened.assumed and not tables


def _look(opened: Opened, service: str, database: str, plan: Plan, site: Site, seen: _Seen) -> None:
    """Survey one service's database."""
    rows = rows_of(opened.server)
    try:
        seen.findings.extend(_privileges(rows, service, database))
        if not covers(service, plan.first.name, plan.last.name):
            seen.databases.append(_plain_facts(rows, service, database, plan))
            return
        one, findings = _survey(opened.server, service, database, plan, site)
    except (UsageFault, sqlalchemy.exc.DBAPIError) as fault:
        words = f"the database {database} cannot be read: {error_text(fault)}"
        seen.findings.append(Finding(SOURCE, Severity.ERROR, service, database, words, "it was not checked further"))
        seen.left_out.add(service)
        return
    seen.surveys.append(one)
    facts = _facts(rows, one, plan)
    seen.findings.extend(findings)
    if one.study.identity.foreign or not one.study.identity.line.knows(plan.last.name):
        seen.left_out.add(service)
        facts = replace(facts, catalogued=False)
    seen.databases.append(facts)
    if finding := start_finding(one, plan):
        seen.findings.append(finding)


def _preflights(cloud: Cloud, plan: Plan, scenarios: Iterable[Scenario], left_out: set[str]) -> list[Finding]:
    """What the preflights of the start find, of the traps whose steps are still to come."""
    passed, failed = spared("versions", "comparison of", "", cloud, partial(passed_over, cloud, plan))
    done = {one.step for one in passed or ()}
    reported = [failed] if failed else []
    for scenario in scenarios:
        ahead = set(scenario.hops) & set(plan.steps) - done
        if cloud.has(scenario.services[0]) and ahead and not left_out & set(scenario.services):
            for stages, preflight in scenario.preflights:
                if SEEDED in stages:
                    reported += ask(scenario, preflight, cloud)
    return reported


def _foreseen(server: SqlServer, one: Survey, plan: Plan, reported: Sequence[Finding]) -> Iterator[Finding]:
    """What the data meets in the revisions ahead, of tables of which no trap has spoken."""

    def rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return server.rows(one.database, sql, parameters)

    identity = one.study.identity
    known = [".".join(finding.place.split(".")[:2]) for finding in reported]
    try:
        found = foresee(rows, one.schema, identity.line, identity.revision.name, plan.last.name, known=known)
        yield from (one for one in found if not (one.evidence.columns[:1] == ("table",) and covered(one, reported)))
    except sqlalchemy.exc.DBAPIError as fault:
        words = f"the data of {one.database} could not be checked against the migrations ahead: {error_text(fault)}"
        yield Finding(SOURCE, Severity.WARNING, one.service, one.database, words)


def _privileges(rows: Rows, service: str, database: str) -> Iterator[Finding]:
    if lacking := missing_privileges(rows, database):
        words = f"the account lacks {', '.join(lacking)} on {database}: part of it is not visible"
        grant = f"GRANT {', '.join(lacking)} ON {quoted(database)}.* TO ..."
        yield Finding(SOURCE, Severity.WARNING, service, database, words, grant)


def _survey(
    server: SqlServer, service: str, database: str, plan: Plan, site: Site
) -> tuple[Survey, tuple[Finding, ...]]:
    rows = rows_of(server)
    expected = variant_of(service, site)
    one = survey(rows, service, database, expected=expected, release=plan.last.name, data=False)
    identity = one.study.identity
    if identity.claim or not version_table(one.schema) or not is_empty(rows, database, one.schema):
        return one, ()
    one = taken_as_stamped(server, one)
    words = f"{database} contains no rows, so it is assumed to be stamped with {one.study.identity.revision.name}"
    return one, (Finding(SOURCE, Severity.INFO, service, database, words),)


def start_finding(one: Survey, plan: Plan) -> Finding | None:
    """A finding where a database is not at the path's first release, unless another finding says so already."""
    identity = one.study.identity
    if identity.foreign or identity.line.service not in plan.first.services:
        return None
    line, first, last = identity.line, plan.first.name, plan.last.name
    if not line.knows(last):
        at = identity.revision
        words = f"{one.service} is at {at.name} of {at.release}, which {last} does not follow"
        how = "osupgrade routes lists the possible routes; give the dumps of one cloud together"
        return Finding(SOURCE, Severity.ERROR, one.service, one.database, words, how)
    (now,) = marked(one.service, (identity.revision.name,))
    end, here = (line.position(r) or 0 for r in (line.head(last).name, now))
    if line.knows(first):
        start, begins = line.position(line.head(first).name) or 0, f"{first}'s is {line.head(first).name}"
    else:  # ML2 came with Havana
        start, begins = -1, f"{first} has no {line.variant}"
    says = f"{one.service} is at {identity.revision.name}; {begins}"
    if here == start:  # a service whose schema the whole path leaves alone is at its end, too
        return None
    if here < start:
        # A version table may keep the row of a repository that the release no longer has.
        if line.knows(first) and behind(one.service, now.split("+"), line.head(first).name.split("+")):
            return None
        known = clause_of(one.service, identity.revision.name.split("+"))
        return Finding(
            SOURCE,
            Severity.ERROR,
            one.service,
            one.database,
            f"{says}: it is older than {first}, or its upgrade to {first} was not ended",
            f"{known}this path begins at {first}; upgrade to it first",
        )
    if here >= end:
        ends = f"{says}, {last}'s {line.head(last).name}: it is at the path's end already"
        claimed = line.position(identity.claim[-1]) if identity.claim else None
        left = end - claimed if claimed is not None else 0
        moves = [move.name for move in plan.moves if move.service == one.service]
        ahead = [move for move in moves if here < (line.position(move) or 0)]
        how = f"only the move to {ahead[0]} is left" if ahead else "nothing is left to rehearse for it"
        if left > 0 and not identity.findings:
            ends += f", and what is left from {identity.claim[-1]} on changes nothing"
            how = f"run {last}'s own upgrade once: it only writes the version"
        return Finding(SOURCE, Severity.WARNING, one.service, one.database, ends, how)
    words = f"{says}: it is on the way to {last} already"
    return Finding(SOURCE, Severity.WARNING, one.service, one.database, words, "is the dump of the right moment?")


def is_empty(rows: Rows, database: str, schema: Schema) -> bool:
    """Whether no table has a row, as in a dump of the schema alone."""
    if not schema.tables:
        return True
    some = " OR ".join(f"EXISTS(SELECT 1 FROM {quoted(database)}.{quoted(name)})" for name in sorted(schema.names))
    return not rows(f"SELECT {some}", ())[0][0]


def _own(one: Survey) -> Iterator[Own]:
    if one.study.identity.foreign:
        return
    upstream = f"upstream at {one.study.identity.revision.name}"
    for change, prediction in zip(one.study.customisations, one.predictions, strict=True):
        yield Own(
            service=one.service,
            object=change.object,
            place=change.place,
            definition=described(change.after) if change.after else "",
            difference=difference(one.study.identity, change, upstream),
            fate=prediction.fate,
            revision=prediction.revision,
            release=prediction.release,
            why=prediction.words,
        )


def left_out_tables(own: Iterable[Own]) -> Iterator[Finding]:
    """A note for each database on tables that stop the upgrade by not being there: many dump without a large one."""
    missing: dict[str, list[str]] = {}
    for one in own:
        if one.object == "table" and not one.definition and one.fate is Fate.IN_THE_WAY:
            missing.setdefault(one.service, []).append(one.place)
    for service, names in missing.items():
        words = (
            f"if your cloud has {' and '.join(names)} and the dump was taken without (--ignore-table), dump the "
            "definition as well: mysqldump --no-data DATABASE TABLE"
        )
        yield Finding(SOURCE, Severity.INFO, service, "", words)


def _facts(rows: Rows, one: Survey, plan: Plan) -> Database:
    identity = one.study.identity
    revision, first = identity.revision, plan.first.name
    # If a schema is the same in several releases, it counts as that of the release where the path begins.
    head = identity.line.head(first).name if identity.line.knows(first) else ""
    at_first = bool(head) and ends_at(revision.name.split("+"), head.split("+"))
    known = any(identity.line.position(name) is not None for name in identity.claim)
    if identity.foreign and not known:
        held = read_claim(rows, one.database, one.schema)
        ends = ending_at(one.service, held)
        return replace(
            _counted(rows, one.service, one.database, one.schema),
            release=ends[0].name if len(ends) == 1 else "unknown",
            claim=held,
            catalogued=False,
        )
    return replace(
        _counted(rows, one.service, one.database, one.schema),
        release=first if at_first else brought_by(one.service, revision.name) or revision.release,
        revision=revision.name,
        same=identity.same,
        variant=identity.line.variant,
        claim=identity.claim,
        honest=identity.honest,
    )


def _plain_facts(rows: Rows, service: str, database: str, plan: Plan) -> Database:
    """What can be said of a database whose schemas the catalogue does not know: its version is believed."""
    schema = read_with(rows, database)
    claim = read_claim(rows, database, schema)
    heads = {
        release.name: known.head
        for release in plan.releases
        for part in release.services.values()
        for known in part.databases
        if known.name == service
    }
    release = next((name for name, head in heads.items() if ends_at(claim, head)), "")
    facts = _counted(rows, service, database, schema)
    return replace(facts, release=release or "unknown", same=claim, claim=claim, catalogued=False)


def _counted(rows: Rows, service: str, database: str, schema: Schema) -> Database:
    sql = "SELECT SUM(DATA_LENGTH + INDEX_LENGTH) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    return Database(
        service=service,
        database=database,
        release="",
        revision="",
        same=(),
        variant="",
        claim=(),
        honest=True,
        tables=len(schema.tables),
        charsets=dict(Counter(table.charset for table in schema.tables).most_common()),
        engines=dict(Counter(table.engine for table in schema.tables).most_common()),
        bytes=int(rows(sql, (database,))[0][0] or 0),
        largest=tuple(Size(*size) for size in read_sizes(rows, database)),
    )
