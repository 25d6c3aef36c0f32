"""Looking at a cloud before any hop: what its databases really are, what in them is its own, what will go wrong.

The databases are those of dumps, restored into a throw-away server, or those of a live server, which is only read.
What cannot be looked at becomes a finding and spares the rest.
"""

from __future__ import annotations

import contextlib
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pymysql
import sqlalchemy

from osupgrade.catalog.identity import service_of
from osupgrade.catalog.packages.judge import by_hand, to_know
from osupgrade.catalog.packages.listing import read_listing
from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Say, choose_database, require_sources, restore_dumps
from osupgrade.dump.choose import choose_dumps
from osupgrade.dump.holdings import Holding, is_system
from osupgrade.dump.problems import SCHEMA_ONLY
from osupgrade.dump.read import Dump, Reading
from osupgrade.lab.connect import connect
from osupgrade.lab.controller import asked_by
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.lab.live_server import LiveServer
from osupgrade.lab.release_container import Workshop
from osupgrade.lab.sources import Sources
from osupgrade.lab.sql_server import SqlServer
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Evidence, Fate, Finding, Severity
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import quoted
from osupgrade.model.stage import SEEDED
from osupgrade.scenarios.contract import Preflight, Scenario
from osupgrade.schema.catalogue import covers, moves, variant_of
from osupgrade.schema.diff import described
from osupgrade.schema.foresight import foresee
from osupgrade.schema.snapshot import Rows, Schema, read_with
from osupgrade.schema.survey import Survey, assign, missing_privileges, read_claim, read_sizes, survey

SOURCE = "inspect"


@dataclass(frozen=True)
class Own:
    """One thing that upstream at the database's revision does not have, has otherwise, or has and the database lacks.

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
        """Whether nobody has to do anything: what every cloud of the path needs is no finding."""
        return all(finding.severity is Severity.INFO for finding in self.findings)


@dataclass(frozen=True)
class Opened:
    """A server with the databases to look at, by service, and what finding them told."""

    server: SqlServer
    databases: Mapping[str, str]
    told: tuple[Finding, ...]

    def claims(self) -> Mapping[str, tuple[str, ...]]:
        """What the version table of each service's database holds; nothing where it cannot be read."""
        rows = _rows(self.server)
        found: dict[str, tuple[str, ...]] = dict.fromkeys(self.databases, ())
        for service, name in self.databases.items():
            with contextlib.suppress(UsageFault, sqlalchemy.exc.DBAPIError):  # which inspect_cloud then tells
                found[service] = read_claim(rows, name, read_with(rows, name))
        return found


@dataclass(frozen=True)
class Usable:
    """Dumps that can be restored, one database for each service, and what there is to say of the others."""

    dumps: tuple[Dump, ...]
    told: tuple[Finding, ...]
    halved: tuple[Dump, ...] = ()
    """Those of which only a part is looked at, since it holds two databases of one service."""


def usable_dumps(paths: Sequence[Path], reading: Reading | None = None) -> Usable:
    """Read the dumps behind ``paths``; ``reading`` is told how far.

    A dump that is none, or broken, or a second one of a service, becomes a finding; raises UsageFault when nothing is
    left.
    """
    dumps, told = readable(paths, reading)
    kept, doubles = without_doubles(dumps)
    parts = {dump.path: len(dump.sections) for dump in dumps}
    halved = tuple(dump for dump in kept if len(dump.sections) < parts[dump.path])
    return Usable(kept, (*told, *doubles), halved)


@contextlib.contextmanager
def opened_dumps(given: Usable, plan: Plan, say: Say, how_far: Say | None = None) -> Iterator[Opened]:
    """Restore what the dumps hold of OpenStack into a server that is removed afterwards."""
    client = connect()
    version = next((dump.server_version for dump in given.dumps if dump.server_version), "")
    image = choose_database(client, plan, "auto", say, version)
    tag = ImageStore(client).ensure([image], lambda progress: say(str(progress)) if progress.step else None)[image]
    with Lab(client) as lab, start_database(lab, tag, memory=False) as server:
        restored = restore_dumps(server, given.dumps, say, how_far)
        for database in restored.databases.values():
            _count(server, database)
        # A schema alone is enough here.
        remarks = (finding for finding in restored.findings if finding.consequence != SCHEMA_ONLY)
        yield Opened(server, dict(restored.databases), (*given.told, *remarks))


@contextlib.contextmanager
def opened_url(url: str) -> Iterator[Opened]:
    """A live server's databases; raises UsageFault when it cannot be read, or has none of an OpenStack service."""
    with LiveServer(url) as live:
        names = [live.named] if live.named else list(live.databases())
        schemas: dict[str, Schema] = {}
        told: list[Finding] = []
        for name in names:
            try:
                schemas[name] = read_with(_rows(live), name)
            except (UsageFault, sqlalchemy.exc.DBAPIError) as fault:
                told.append(Finding(SOURCE, Severity.ERROR, "", name, f"{name} cannot be read: {_said(fault)}"))
        chosen, doubtful = assign(schemas)
        strangers = [finding.place for finding in doubtful if not finding.service]
        more = [finding for finding in doubtful if finding.service]
        if strangers:
            words = f"no databases of OpenStack services, left alone: {', '.join(strangers)}"
            more.append(Finding(SOURCE, Severity.INFO, "", "", words))
        if not chosen:
            seen = f"; it shows {', '.join(names)}" if names else "; this account sees no database at all"
            raise UsageFault(
                f"there is no database of an OpenStack service there{seen}",
                hint="check the URL and the account's rights: GRANT SELECT, TRIGGER, SHOW VIEW ON DATABASE.* TO ...",
                evidence="\n".join(finding.message for finding in (*told, *more)),
            )
        yield Opened(live, chosen, (*told, *more))


def readable(paths: Sequence[Path], reading: Reading | None = None) -> tuple[tuple[Dump, ...], tuple[Finding, ...]]:
    """The dumps that can be restored, of several nights the newest, and a finding for each file that is left out.

    Raises UsageFault for a path that is not there, and with the first dump's fault when none can be restored.
    """
    chosen = choose_dumps(paths, reading)
    found = list(chosen.findings)
    for path, fault in chosen.refused:
        consequence = "; ".join(filter(None, (fault.evidence, fault.hint)))
        found.append(Finding("dump", Severity.ERROR, "", path.name, f"{fault.message}: left out", consequence))
    return chosen.dumps, tuple(found)


def without_doubles(dumps: Sequence[Dump]) -> tuple[tuple[Dump, ...], tuple[Finding, ...]]:
    """The dumps with one database for each service, the first; a second one of a service is a finding.

    So is a dump without any database of a service, as long as there are others.
    """
    chosen: dict[str, Holding] = {}
    kept = []
    told = []
    for dump in dumps:
        sections = []
        for section in dump.sections:
            service = "" if is_system(section) else service_of(section)
            if service and service in chosen:
                first = chosen[service]
                words = (
                    f"{section.name or 'a database'} ({dump.name}) is a second database of {service}, besides "
                    f"{first.section.name or 'that'} ({first.dump.name})"
                )
                what = "the first is looked at, this one is left alone; give the right one alone"
                told.append(Finding(SOURCE, Severity.ERROR, service, dump.name, words, what))
                continue
            if service:
                chosen[service] = Holding(service, dump, section)
            sections.append(section)
        if any(holding.dump is dump for holding in chosen.values()):
            kept.append(replace(dump, sections=tuple(sections)))
        elif sections:
            tables = [table for section in sections for table in section.tables]
            words = f"{dump.name} holds no database of an OpenStack service that osupgrade knows"
            evidence = Evidence.of(("table",), [(table,) for table in tables])
            told.append(Finding(SOURCE, Severity.WARNING, "", dump.name, words, "it is left alone", evidence))
    return tuple(kept or dumps), tuple(told)


def inspect_cloud(opened: Opened, plan: Plan, site: Site, scenarios: Iterable[Scenario]) -> Inspection:
    """Survey every service's database and ask all preflights of the start."""
    rows = _rows(opened.server)
    databases: list[Database] = []
    surveys: list[Survey] = []
    found: list[Finding] = list(opened.told)
    passed_over: set[str] = set()
    for service, database in opened.databases.items():
        try:
            found += _privileges(rows, service, database)
            if not covers(service, plan.first.name, plan.last.name):
                databases.append(_plain_facts(rows, service, database, plan))
                continue
            one, told = _survey(opened.server, service, database, plan, site)
        except (UsageFault, sqlalchemy.exc.DBAPIError) as fault:
            words = f"the database {database} cannot be read: {_said(fault)}"
            found.append(Finding(SOURCE, Severity.ERROR, service, database, words, "nothing more is said of it"))
            passed_over.add(service)
            continue
        surveys.append(one)
        databases.append(_facts(rows, one))
        found += told
        if one.study.identity.foreign:
            passed_over.add(service)
        elif finding := start_finding(one, plan):
            found.append(finding)
    cloud = Cloud(opened.server, opened.databases, site, SOURCE)
    asked: list[Finding] = []
    for scenario in scenarios:
        if cloud.has(scenario.services[0]) and not passed_over & set(scenario.services):
            for stages, preflight in scenario.preflights:
                if SEEDED in stages:
                    asked += _ask(scenario, preflight, cloud)
    found += [finding for one in surveys for finding in one.findings if not covered(finding, asked)]
    found += [
        f for one in surveys if one.service not in passed_over for f in _foreseen(opened.server, one, plan, asked)
    ]
    own = tuple(entry for one in surveys for entry in _own(one))
    if absent := sorted(set(plan.services) - set(opened.databases)):
        words = f"there is no database of {', '.join(absent)} here; traps that need several databases are not all seen"
        found.append(Finding(SOURCE, Severity.INFO, "", "", words))
    return Inspection(tuple(databases), own, (*found, *asked))


def _foreseen(server: SqlServer, one: Survey, plan: Plan, asked: Sequence[Finding]) -> Iterator[Finding]:
    """What the data meets in the revisions ahead, of tables of which no trap has spoken."""

    def rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return server.rows(one.database, sql, parameters)

    identity = one.study.identity
    known = [".".join(finding.place.split(".")[:2]) for finding in asked]
    try:
        yield from foresee(rows, one.schema, identity.line, identity.revision.name, plan.last.name, known=known)
    except sqlalchemy.exc.DBAPIError as fault:
        words = f"the data of {one.database} could not be held against the migrations ahead: {_said(fault)}"
        yield Finding(SOURCE, Severity.WARNING, one.service, one.database, words)


def _privileges(rows: Rows, service: str, database: str) -> Iterator[Finding]:
    if lacking := missing_privileges(rows, database):
        words = f"the account lacks {', '.join(lacking)} on {database}: part of it is not seen"
        grant = f"GRANT {', '.join(lacking)} ON {quoted(database)}.* TO ..."
        yield Finding(SOURCE, Severity.WARNING, service, database, words, grant)


def _survey(
    server: SqlServer, service: str, database: str, plan: Plan, site: Site
) -> tuple[Survey, tuple[Finding, ...]]:
    rows = _rows(server)
    expected = variant_of(service, site)
    one = survey(rows, service, database, expected=expected, release=plan.last.name, data=False)
    identity = one.study.identity
    if (
        identity.claim
        or identity.line.version_table not in one.schema.names
        or not is_empty(rows, database, one.schema)
    ):
        return one, ()
    one = _taken_as_stamped(server, one)
    words = f"{database} holds no rows: it is taken as stamped with {one.study.identity.revision.name}"
    return one, (Finding(SOURCE, Severity.INFO, service, database, words),)


def inspect_packages(file: Path, plan: Plan, say: Say) -> tuple[Finding, ...]:
    """What of a controller's packages must be updated by hand for the plan's last release, and what else to know.

    ``file`` is the output of ``pip freeze``, ``dpkg -l`` or ``rpm -qa``. What the releases ask for is read from their
    services' trees and from the libraries of their runtimes.
    """
    try:
        listing = read_listing(file.read_text("utf-8", "replace"), str(file))
    except OSError as fault:
        raise UsageFault(f"cannot read {file}: {fault.strerror}") from fault
    client = connect()
    releases = {release.name: release for release in plan.releases}
    sources = Sources(releases)
    require_sources(sources, plan)
    names = [release.name for release in plan.releases[1:]]
    tags = ImageStore(client).ensure(names, lambda progress: say(str(progress)))
    with Lab(client) as lab:
        workshop = Workshop(lab, releases, sources, tags)
        asked = [asked_by(workshop, name) for name in names]
    say(f"{len(listing.packages)} packages of {listing.manager} read")
    return (*by_hand(SOURCE, "controller", listing, asked), *to_know(SOURCE, "controller", listing, asked))


def start_finding(one: Survey, plan: Plan) -> Finding | None:
    """Whether a database stands where the path begins; None when it does, or when another finding says so."""
    identity = one.study.identity
    if identity.foreign or identity.line.service not in plan.first.services:
        return None
    line, first, last = identity.line, plan.first.name, plan.last.name
    end, here = (line.position(r) or 0 for r in (line.head(last).name, identity.revision.name))
    if line.knows(first):
        start, begins = line.position(line.head(first).name) or 0, f"{first}'s is {line.head(first).name}"
    else:  # ML2 came with Havana
        start, begins = -1, f"{first} has no {line.variant}"
    says = f"{one.service} is at {identity.revision.name}; {begins}"
    if here == start:  # a service whose schema the whole path leaves alone stands at its end, too
        return None
    if here < start:
        return Finding(
            SOURCE,
            Severity.ERROR,
            one.service,
            one.database,
            f"{says}: it is older than {first}, or its upgrade to {first} was not ended",
            f"this path begins at {first}; upgrade to it first",
        )
    if here >= end:
        return Finding(
            SOURCE,
            Severity.WARNING,
            one.service,
            one.database,
            f"{says}, {last}'s {line.head(last).name}: it is at the path's end already",
            "nothing is left to rehearse for it",
        )
    words = f"{says}: it is on the way to {last} already"
    return Finding(SOURCE, Severity.WARNING, one.service, one.database, words, "is the dump of the right moment?")


def covered(finding: Finding, others: Iterable[Finding]) -> bool:
    """Whether a scenario's finding says the same of the same thing, with a cure besides."""
    if finding.severity is not Severity.ERROR and not finding.evidence.rows:
        return False
    names = {row[0] for row in finding.evidence.rows} or {finding.place.rpartition(".")[2]}
    return any(
        other.service == finding.service and other.severity is Severity.ERROR and names <= _words(other)
        for other in others
    )


def _words(finding: Finding) -> set[str]:
    texts = [finding.message, *finding.place.split("."), *(cell for row in finding.evidence.rows for cell in row)]
    return {word.strip("`'\",;:()") for text in texts for word in text.split()}


def is_empty(rows: Rows, database: str, schema: Schema) -> bool:
    """Whether no table has a row, as in a dump of the schema alone."""
    if not schema.tables:
        return True
    some = " OR ".join(f"EXISTS(SELECT 1 FROM {quoted(database)}.{quoted(name)})" for name in sorted(schema.names))
    return not rows(f"SELECT {some}", ())[0][0]


def _taken_as_stamped(server: SqlServer, one: Survey) -> Survey:
    """Without rows the version table tells nothing; in a copy of ours it gets what the schema says."""
    identity = one.study.identity
    table = identity.line.version_table
    version = identity.line.head(identity.revision.release).name if identity.revision.name in moves() else ""
    version = version or identity.revision.name
    if not isinstance(server, LiveServer):
        if table == "alembic_version":
            server.execute(one.database, f"INSERT INTO {table} (version_num) VALUES (%s)", (version,))
        else:
            sql = f"INSERT INTO {table} (repository_id, repository_path, version) VALUES (%s, %s, %s)"
            server.execute(one.database, sql, (one.service, "", int(version)))
    told = tuple(finding for finding in identity.findings if finding.place != table)
    kept = tuple(finding for finding in one.study.findings if finding not in identity.findings)
    stamped = replace(identity, claim=(version,), findings=told)
    return replace(one, study=replace(one.study, identity=stamped, findings=(*told, *kept)))


def _count(server: SqlServer, database: str) -> None:
    """Have the server estimate its tables anew: after a restore it has not yet."""
    sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE'"
    tables = [f"{quoted(database)}.{quoted(str(row[0]))}" for row in server.rows("", sql, (database,))]
    if tables:
        server.rows("", f"ANALYZE NO_WRITE_TO_BINLOG TABLE {', '.join(tables)}")


def _ask(scenario: Scenario, preflight: Preflight, cloud: Cloud) -> list[Finding]:
    """A preflight's findings; one that cannot read what it needs, or is broken, spares the others."""
    try:
        return list(preflight(cloud))
    except sqlalchemy.exc.DBAPIError as fault:
        words = f"the preflight of {scenario.name} could not look: {_said(fault)}"
        return [Finding(scenario.name, Severity.WARNING, scenario.services[0], scenario.services[0], words)]
    except (Exception, SystemExit) as fault:  # an operator's own scenario may raise anything
        where = traceback.extract_tb(fault.__traceback__)[-1]
        words = f"the preflight of {scenario.name} failed: {type(fault).__name__}: {fault}"
        place = f"{where.filename}:{where.lineno}"
        return [Finding(scenario.name, Severity.WARNING, scenario.services[0], place, words)]


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
            difference=change.against(upstream),
            fate=prediction.fate,
            revision=prediction.revision,
            release=prediction.release,
            why=prediction.words,
        )


def _facts(rows: Rows, one: Survey) -> Database:
    identity = one.study.identity
    return replace(
        _counted(rows, one.service, one.database, one.schema),
        release=identity.revision.release,
        revision=identity.revision.name,
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
    release = next((name for name, head in heads.items() if set(head) == set(claim)), "")
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


def _said(fault: Exception) -> str:
    if isinstance(fault, UsageFault):
        return fault.message
    original = getattr(fault, "orig", fault)
    if isinstance(original, pymysql.Error) and len(original.args) > 1:
        return f"{original.args[1]} ({original.args[0]})"
    return str(original)


def _rows(server: SqlServer) -> Rows:
    return lambda sql, parameters: server.rows("", sql, parameters)
