"""Opening what is inspected: dumps, restored into a throw-away server, or a live server, which is only read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import sqlalchemy

from osupgrade.catalog.identity import service_of
from osupgrade.catalog.survey import Survey as ServerSurvey
from osupgrade.cloud.laboratory import Say, choose_database
from osupgrade.cloud.restored import HowFar, restore_dumps, start_restored
from osupgrade.dump.choose import choose_dumps, version_of_server
from osupgrade.dump.holdings import Holding, is_system
from osupgrade.dump.problems import SCHEMA_ONLY
from osupgrade.dump.read import Dump, Reading
from osupgrade.lab.connect import connect
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.lab.live_server import LiveServer
from osupgrade.lab.server_settings import set_up, start_options
from osupgrade.lab.sql_server import SqlServer
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import quoted
from osupgrade.rehearsal.asking import error_text
from osupgrade.rehearsal.defaults import ASSUMED, silent
from osupgrade.rehearsal.inspect.model import SOURCE
from osupgrade.schema.catalogue import knows, moves
from osupgrade.schema.identify import identify
from osupgrade.schema.reading import Rows, read_with
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.survey import assign, read_claim


@dataclass(frozen=True)
class Opened:
    """A server with the databases to look at, by service, and what was found out meanwhile."""

    server: SqlServer
    databases: Mapping[str, str]
    findings: tuple[Finding, ...]
    assumed: Mapping[str, str] = field(default_factory=dict)
    """The default character set that was assumed for each database whose dump does not say its own."""

    def claims(self) -> Mapping[str, tuple[str, ...]]:
        """What the version table of each service's database holds; nothing where it cannot be read."""
        rows = rows_of(self.server)
        found: dict[str, tuple[str, ...]] = dict.fromkeys(self.databases, ())
        for service, name in self.databases.items():
            with contextlib.suppress(UsageFault, sqlalchemy.exc.DBAPIError):  # which inspect_cloud then reports
                found[service] = read_claim(rows, name, read_with(rows, name))
        return found

    def places(self, claims: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
        """What the version tables hold (``claims``), and of databases without a version the one of their schema."""
        rows, found = rows_of(self.server), dict(claims)
        for service, name in self.databases.items():
            if not found.get(service) and knows(service):
                with contextlib.suppress(UsageFault, sqlalchemy.exc.DBAPIError):
                    identity = identify(service, read_with(rows, name), ())
                    revision = identity.revision
                    goal = identity.line.head(revision.release) if revision.name in moves() else revision
                    found[service] = () if identity.foreign else goal.name.split("+")
        return found


@dataclass(frozen=True)
class Usable:
    """Dumps that can be restored, one database for each service, and what there is to say of the others."""

    dumps: tuple[Dump, ...]
    findings: tuple[Finding, ...]
    halved: tuple[Dump, ...] = ()
    """Those of which only a part is looked at, since it holds two databases of one service."""


def usable_dumps(paths: Sequence[Path], reading: Reading | None = None) -> Usable:
    """Read the dumps behind ``paths``; ``reading`` gets the progress.

    A dump that is none, or broken, or a second one of a service, becomes a finding; raises UsageFault when nothing is
    left.
    """
    dumps, findings = readable(paths, reading)
    kept, doubles = without_doubles(dumps)
    parts = {dump.path: len(dump.sections) for dump in dumps}
    halved = tuple(dump for dump in kept if len(dump.sections) < parts[dump.path])
    return Usable(kept, (*findings, *doubles), halved)


@contextlib.contextmanager
def opened_dumps(
    given: Usable, plan: Plan, say: Say, how_far: HowFar | None = None, survey: ServerSurvey | None = None
) -> Iterator[Opened]:
    """Restore what the dumps hold of OpenStack into a server that is removed afterwards, set up as ``survey`` says."""
    client = connect()
    image = choose_database(client, plan, "auto", say, version_of_server(given.dumps, survey))
    tag = ImageStore(client).ensure([image], lambda progress: say(str(progress)) if progress.step else None)[image]
    with Lab(client) as lab, contextlib.ExitStack() as stack:
        server, restored = start_restored(
            lab, tag, given.dumps, say, how_far, survey=survey, options=start_options(survey) if survey else ()
        )
        stack.enter_context(server)
        if survey:
            set_up(server, survey)
        restored = restored or restore_dumps(server, given.dumps, say, how_far, survey)
        for database in restored.databases.values():
            _count(server, database)
        # A schema alone is enough here.
        remarks = (one for one in restored.findings if one.consequence != SCHEMA_ONLY)
        findings = (*given.findings, *remarks, *(() if survey else unsaid(given.dumps)))
        assumed = dict.fromkeys(() if survey else silent(given.dumps), ASSUMED)
        yield Opened(server, dict(restored.databases), findings, assumed)


def unsaid(dumps: Sequence[Dump]) -> Iterator[Finding]:
    """A remark on the databases of which no dump says the default character set, on which findings may depend."""
    if names := silent(dumps):
        unknown = f"the dump does not say the default character set of {', '.join(names)}"
        words = f"{unknown}: {ASSUMED} is assumed; osupgrade survey asks your server for it"
        how = "if yours is different, the findings about character sets do not apply"
        yield Finding(SOURCE, Severity.INFO, "", "", words, how)


@contextlib.contextmanager
def opened_url(url: str) -> Iterator[Opened]:
    """A live server's databases; raises UsageFault when it cannot be read, or has none of an OpenStack service."""
    with LiveServer(url) as live:
        names = [live.named] if live.named else list(live.databases())
        schemas: dict[str, Schema] = {}
        findings: list[Finding] = []
        for name in names:
            try:
                schemas[name] = read_with(rows_of(live), name)
            except (UsageFault, sqlalchemy.exc.DBAPIError) as fault:
                findings.append(
                    Finding(SOURCE, Severity.ERROR, "", name, f"{name} cannot be read: {error_text(fault)}")
                )
        chosen, doubtful = assign(schemas)
        strangers = [finding.place for finding in doubtful if not finding.service]
        more = [finding for finding in doubtful if finding.service]
        if strangers:
            words = f"databases that belong to no OpenStack service were skipped: {', '.join(strangers)}"
            more.append(Finding(SOURCE, Severity.INFO, "", "", words))
        if not chosen:
            seen = f"; it shows {', '.join(names)}" if names else "; this account sees no database at all"
            raise UsageFault(
                f"there is no database of an OpenStack service there{seen}",
                hint="check the URL and the account's rights: GRANT SELECT, TRIGGER, SHOW VIEW ON DATABASE.* TO ...",
                evidence="\n".join(finding.message for finding in (*findings, *more)),
            )
        yield Opened(live, chosen, (*findings, *more))


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
    findings = []
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
                what = "only the first was inspected; give just the dump that you want inspected"
                findings.append(Finding(SOURCE, Severity.ERROR, service, dump.name, words, what))
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
            findings.append(Finding(SOURCE, Severity.WARNING, "", dump.name, words, "it was skipped", evidence))
    return tuple(kept or dumps), tuple(findings)


def _count(server: SqlServer, database: str) -> None:
    """Have the server estimate its tables again: after a restore it has not yet."""
    sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE'"
    tables = [f"{quoted(database)}.{quoted(str(row[0]))}" for row in server.rows("", sql, (database,))]
    if tables:
        server.rows("", f"ANALYZE NO_WRITE_TO_BINLOG TABLE {', '.join(tables)}")


def rows_of(server: SqlServer) -> Rows:
    """What asks a server for rows."""
    return lambda sql, parameters: server.rows("", sql, parameters)
