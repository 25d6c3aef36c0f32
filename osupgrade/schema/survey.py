"""All that can be said of a cloud's databases before a rehearsal and after it, for ``inspect`` and the runner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osupgrade.model import Diagnosis, Evidence, Finding, Severity
from osupgrade.schema.identify import Study, recognise, study
from osupgrade.schema.predict import Prediction, predict, prediction_findings
from osupgrade.schema.snapshot import Rows, Schema, quoted, read_with
from osupgrade.schema.verdicts import (
    OwnData,
    OwnPlace,
    Verdict,
    judge_own_data,
    judge_result,
    own_places,
    read_own_data,
    verdicts,
)

SOURCE = "schema"


@dataclass(frozen=True)
class Survey:
    """One service's database before the first hop.

    ``sizes`` are the largest tables: name, rows as the server estimates them, bytes of data and indexes.
    """

    service: str
    database: str
    schema: Schema
    study: Study
    predictions: tuple[Prediction, ...]
    places: tuple[OwnPlace, ...]
    own_data: Mapping[str, OwnData | None]
    sizes: tuple[tuple[str, int, int], ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What there is to say: the true revision, customisations, character sets, and what will collide."""
        return (*self.study.findings, *prediction_findings(self.service, self.predictions))


@dataclass(frozen=True)
class Aftermath:
    """What became of one service's customisations, and how the result differs from what it should be."""

    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]


def assign(schemas: Mapping[str, Schema]) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """Which of some databases is which service's (service -> database), by their tables.

    A database of no service, and a second one of the same service, is a finding; the first by name is taken.
    """
    chosen: dict[str, str] = {}
    findings = []
    for database, schema in sorted(schemas.items()):
        service = recognise(schema)
        if service is None:
            words = "is no database of an OpenStack service that osupgrade knows"
            consequence = "it is left alone"
        elif service in chosen:
            words = f"is a second database of {service}, besides {chosen[service]}"
            consequence = f"{chosen[service]} is looked at, this one is left alone; name the right one"
        else:
            chosen[service] = database
            continue
        evidence = Evidence.of(("table",), [(name,) for name in sorted(schema.names)])
        severity = Severity.WARNING if service is None else Severity.ERROR
        findings.append(
            Finding(SOURCE, severity, service or "", database, f"{database} {words}", consequence, evidence)
        )
    return chosen, tuple(findings)


def survey(rows: Rows, service: str, database: str, variant: str | None = None, release: str = "icehouse") -> Survey:
    """Look at one service's database; nothing but SELECT is sent.

    ``variant`` None lets the schema tell neutron's plugins. Raises UsageFault when the database is not there, or its
    service is none that the catalogue knows.
    """
    schema = read_with(rows, database)
    claim = read_claim(rows, database, schema)
    studied = study(service, schema, claim, variant)
    line = studied.identity.line
    places = own_places(studied.customisations, schema)
    return Survey(
        service=service,
        database=database,
        schema=schema,
        study=studied,
        predictions=predict(studied.customisations, line, studied.identity.revision.name, release),
        places=places,
        own_data=read_own_data(rows, database, places),
        sizes=read_sizes(rows, database),
    )


def aftermath(rows: Rows, before: Survey, database: str, revision: str, stopped: Diagnosis | None = None) -> Aftermath:
    """Judge a database after a rehearsal against its survey from before.

    ``revision`` is what was reached (``icehouse``'s head, or the move ``ml2``); ``stopped`` what the tool said if it
    did not come through, and then the result itself is not judged.
    """
    line = before.study.identity.line
    changes = before.study.customisations
    after = read_with(rows, database)
    judged = verdicts(changes, line.at(revision).schema, after, stopped)
    if stopped is not None:
        return Aftermath(judged, ())
    data = judge_own_data(before.service, before.own_data, read_own_data(rows, database, before.places))
    return Aftermath(judged, (*judge_result(before.service, line, revision, after, changes), *data))


def read_claim(rows: Rows, database: str, schema: Schema) -> tuple[str, ...]:
    """What the version table holds, sorted; empty without one."""
    for table, column in (("alembic_version", "version_num"), ("migrate_version", "version")):
        found = schema.table(table)
        if found is not None and column in {c.name for c in found.columns}:
            return tuple(sorted(str(row[0]) for row in rows(f"SELECT {column} FROM {quoted(database)}.{table}", ())))
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
    """The privileges without which part of a schema stays unseen; empty when the account has them."""
    grants = [str(row[0]).upper() for row in rows("SHOW GRANTS", ())]
    scopes = ("ON *.* ", f"ON `{database.upper()}`.* ")
    held = " ".join(grant for grant in grants if any(scope in f"{grant} " for scope in scopes))
    if "ALL PRIVILEGES" in held:
        return ()
    return tuple(name for name in ("SELECT", "TRIGGER", "SHOW VIEW") if name not in held)
