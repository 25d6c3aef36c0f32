"""All that can be said of a cloud's databases before a rehearsal and after it, for ``inspect`` and the runner."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from osupgrade.catalog.eras import said_of
from osupgrade.catalog.identity import Section, service_of, usual_names
from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.services import repository
from osupgrade.model.finding import Cure, Evidence, Fate, Finding, Severity, Sql
from osupgrade.model.quoting import literal, quoted
from osupgrade.model.release import NUMBERED, VERSION_TABLES, version_column
from osupgrade.model.step import Diagnosis
from osupgrade.schema.catalogue import is_revision, revision_name
from osupgrade.schema.identify import Study, recognise, study
from osupgrade.schema.own_data import OwnData, OwnPlace, judge_own_data, own_places, read_own_data
from osupgrade.schema.predict import Prediction, predict, prediction_findings
from osupgrade.schema.reading import Rows, read_with
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.verdicts import Verdict, judge_customisations, judge_result, verdicts, way_out

SOURCE = "schema"


@dataclass(frozen=True)
class Survey:
    """One service's database before the first hop."""

    service: str
    database: str
    schema: Schema
    study: Study
    predictions: tuple[Prediction, ...]
    places: tuple[OwnPlace, ...]
    own_data: Mapping[str, OwnData | None]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What there is to say: the true revision, customisations, character sets, and what will collide."""
        if self.study.identity.foreign:
            return self.study.identity.findings
        return (*self.study.findings, *prediction_findings(self.service, self.predictions))


@dataclass(frozen=True)
class Aftermath:
    """What became of one service's customisations and their data, and how the result differs from what it should be.

    ``exact`` says whether it is upstream's schema with nothing but the customisations besides; None halfway.
    """

    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    own_data: Mapping[str, OwnData | None]
    exact: bool | None


def assign(schemas: Mapping[str, Schema]) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """Which of some databases is which service's (service -> database), by their tables.

    A database of no service, and a second one of the same service, is a finding; the one with a usual name is used, or
    else the first by name.
    """
    chosen: dict[str, str] = {}
    findings = []
    for database in sorted(schemas, key=lambda name: (name.lower() not in usual_names(), name)):
        section = Section(database, True, tuple(schemas[database].names))
        service, named = service_of(section) or recognise(schemas[database]), usual_names().get(database.lower(), "")
        if service is not None and service not in chosen:
            chosen[service] = database
            continue
        severity = Severity.ERROR if service else Severity.WARNING
        if service:
            words = f"is a second database of {service}, besides {chosen[service]}"
            consequence = f"only {chosen[service]} was inspected; name the database that you want inspected"
        elif named:
            words = f"has the name of {named}'s database, but not its tables, or this account does not see them"
            consequence = "it was skipped"
        else:
            words = "is no database of an OpenStack service that osupgrade knows"
            consequence = "it was skipped"
        evidence = Evidence.of(("table",), [(name,) for name in sorted(schemas[database].names)])
        place = f"{database} {words}"
        findings.append(Finding(SOURCE, severity, service or named, database, place, consequence, evidence))
    return chosen, tuple(findings)


def survey(
    rows: Rows, service: str, database: str, *, expected: str = "", release: str = "", data: bool = True
) -> Survey:
    """Look at one service's database; nothing but SELECT is sent.

    Neutron's plugins are recognised by the schema, and by the ``expected`` set where the schema leaves it open.
    ``data`` adds the checksums of own data, one pass over each table concerned. Raises UsageFault when the database
    is not there, or its service is none that the catalogue knows.
    """
    schema = read_with(rows, database)
    held = read_claim(rows, database, schema)
    studied = study(service, schema, _claim(service, held), expected=expected, era=said_of(service, held))
    if held and studied.identity.line.version_table == NUMBERED and (odd := unseen(rows, service, database, schema)):
        studied = replace(studied, findings=(*studied.findings, odd))
    line = studied.identity.line
    start = studied.identity.revision.name
    foretold = predict(studied.customisations, line, start, release) if not release or line.knows(release) else ()
    places = own_places(studied.customisations, schema)
    return Survey(
        service=service,
        database=database,
        schema=schema,
        study=studied,
        predictions=foretold,
        places=places,
        own_data=read_own_data(rows, database, places) if data else {},
    )


def aftermath(rows: Rows, before: Survey, database: str, revision: str, stopped: Diagnosis | None = None) -> Aftermath:
    """Judge a database after a rehearsal against its survey from before.

    ``revision`` is what was reached (a number, a name, a move such as ``ml2``); ``stopped`` what the tool said if it
    did not come through, and then the result itself is not judged.
    """
    line = before.study.identity.line
    changes = before.study.customisations
    after = read_with(rows, database)
    own_data = read_own_data(rows, database, before.places)
    if stopped is not None:
        place = (line.position(revision) or 0) + 1
        due = line.revisions[place].name if place < len(line.revisions) else ""
        foretold = {p.change for p in before.predictions if p.fate is Fate.IN_THE_WAY and p.revision == due}
        judged = verdicts(changes, line.at(revision).schema, after, stopped, foretold, before.schema)
        return Aftermath(tuple(_so_far(verdict, before.predictions) for verdict in judged), (), own_data, None)
    judged = verdicts(changes, line.at(revision).schema, after, before=before.schema)
    differences = judge_result(before.service, line, revision, after, judged)
    findings = (
        *judge_customisations(before.service, judged),
        *differences,
        *judge_own_data(before.service, before.own_data, own_data),
    )
    exact = not differences and not any(verdict.fate is Fate.CONFLICT for verdict in judged)
    return Aftermath(judged, findings, own_data, exact)


def _so_far(verdict: Verdict, predictions: Iterable[Prediction]) -> Verdict:
    """A verdict halfway: what was kept until there may be in the way of a revision that was not reached."""
    if verdict.fate is not Fate.KEPT:
        return verdict
    for prediction in predictions:
        change = prediction.change
        if change == verdict.change and prediction.fate is Fate.IN_THE_WAY:
            words = f"{change.object} {change.place} would stop {prediction.revision} too: {prediction.words}"
            mend = way_out(change, prediction.words)
            return replace(verdict, fate=prediction.fate, words=words, revision=prediction.revision, mend=mend)
    return replace(verdict, words=f"{verdict.words} so far")


def _claim(service: str, held: tuple[str, ...]) -> tuple[str, ...]:
    """What a version table says of the service itself, where it has a row for each of several repositories.

    The others came with a later release and continue from the revision of that time: the highest is its own. Of the
    releases that have them all, the catalogue knows a revision by all the rows.
    """
    several = len(held) > 1 and all(version.isdigit() for version in held)
    return (max(held, key=int),) if several and not is_revision(service, revision_name(held)) else held


def unseen(rows: Rows, service: str, database: str, schema: Schema) -> Finding | None:
    """A finding where no row of the version table has the name under which the service's tool looks for its own."""
    table = schema.table(NUMBERED)
    if table is None or "repository_id" not in {column.name for column in table.columns}:
        return None
    there = [str(row[0]) for row in rows(f"SELECT repository_id FROM {quoted(database)}.{NUMBERED}", ())]
    wanted = repository(service)
    # A server compares without regard to case. Later releases have repositories besides, by names of their own.
    if {name.casefold() for name in there} & {name.casefold() for name in (wanted, *_repositories(service))}:
        return None
    cure = None
    if len(there) == 1:
        rename = f"UPDATE {NUMBERED} SET repository_id = {literal(wanted)} WHERE repository_id = {literal(there[0])}"
        cure = Cure(f"give the row the name {wanted}", (Sql(service, rename),))
    return Finding(
        source=SOURCE,
        severity=Severity.ERROR,
        service=service,
        place=f"{NUMBERED}.repository_id",
        message=f"{NUMBERED} has no row of the repository {wanted}, by which {service}'s tool finds its version",
        consequence="the upgrade starts from the first migration and stops at the first table that exists (1050)",
        evidence=Evidence.of(("repository_id",), [(name,) for name in sorted(there)]),
        cure=cure,
    )


def _repositories(service: str) -> Iterator[str]:
    for release in load_releases().values():
        for part in release.services.values():
            yield from (name for one in part.databases if one.name == service for name in one.repositories)


def read_claim(rows: Rows, database: str, schema: Schema) -> tuple[str, ...]:
    """What the version table holds, sorted; empty without one. A row without a value is no version."""
    for table in VERSION_TABLES:
        column = version_column(table)
        found = schema.table(table)
        if found is not None and column in {c.name for c in found.columns}:
            said = rows(f"SELECT {column} FROM {quoted(database)}.{table}", ())
            held = tuple(sorted(str(row[0]) for row in said if row[0] not in (None, "")))
            if held:
                return held
    return ()


def read_sizes(rows: Rows, database: str, show: int = 10) -> tuple[tuple[str, int, int], ...]:
    """The largest tables: name, estimated rows, bytes."""
    sql = (
        "SELECT TABLE_NAME, TABLE_ROWS, DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE'"
    )
    sizes = [(str(name), int(count or 0), int(size or 0)) for name, count, size in rows(sql, (database,))]
    return tuple(sorted(sizes, key=lambda size: (-size[2], size[0]))[:show])


def missing_privileges(rows: Rows, database: str) -> tuple[str, ...]:
    """The privileges without which part of a schema stays unseen; empty when the account has them, or a role may."""
    held = ""
    for row in rows("SHOW GRANTS", ()):
        grant = _GRANT.match(str(row[0]))
        if grant is None:  # a role is granted, and not every server says what is in it
            return ()
        whole = _WHOLE.fullmatch(grant[2])
        if whole and (whole[1] is None or _matches(whole[1].replace("``", "`"), database)):
            held += f" {grant[1].upper()}"
    if "ALL PRIVILEGES" in held:
        return ()
    return tuple(name for name in ("SELECT", "TRIGGER", "SHOW VIEW") if name not in held)


_GRANT = re.compile(r"GRANT (.*?) ON (.*?) TO ", re.DOTALL)
_WHOLE = re.compile(r"(?:`((?:[^`]|``)*)`|\*)\.\*", re.DOTALL)


def _matches(pattern: str, name: str) -> bool:
    """Whether a database's name is one of a grant's, in which ``%`` and ``_`` are wildcards unless escaped."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    signs = {"%": ".*", "_": "."}
    wanted = "".join(signs.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(wanted, name, re.DOTALL) is not None
