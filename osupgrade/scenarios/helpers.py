"""What many scenarios say or do in the same way: rows that prove a trap, a dump kept and brought back, its cost."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from osupgrade.cloud.cloud import Cloud
from osupgrade.dump.read import read_dump
from osupgrade.dump.restore import restore
from osupgrade.lab.database import SHELF
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.model.quoting import quoted
from osupgrade.model.stage import Stage
from osupgrade.model.text import size
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.schema.snapshot import Table, read_schema, table_data


def rows_finding(
    scenario: Scenario,
    cloud: Cloud,
    *,
    place: str,
    columns: str,
    query: str,
    message: str,
    consequence: str,
    cure: str,
    statements: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    at: Stage | None = None,
    severity: Severity = Severity.ERROR,
) -> Iterator[Finding]:
    """At most one finding: the rows of ``query`` in the database of ``place`` (``nova.instances``) are the trap.

    Says nothing when the database or one of the tables in ``needs`` is missing, or when no row is found. ``{n}`` in
    ``message`` is the count of rows. The ``statements`` cure it, in the same database.
    """
    database, _, table = place.partition(".")
    if not cloud.has(database) or not {table, *needs} - {""} <= cloud.tables(database):
        return
    evidence = cloud.evidence(database, columns, query)
    if not evidence.total:
        return
    yield Finding(
        source=scenario.name,
        severity=severity,
        service=scenario.services[0],
        place=place,
        message=message.replace("{n}", str(evidence.total)),
        consequence=consequence,
        evidence=evidence,
        cure=Cure(cure, tuple(Sql(database, statement) for statement in statements), at),
        command=f"osupgrade rehearse --cure {scenario.name}",
    )


def put_dump(cloud: Cloud, file: Path) -> None:
    """Put the databases of a dump in the place of the cloud's own; the dump names them as they are called logically."""
    dump = read_dump(file, insist=True)
    names = {section.name: section.name for section in dump.sections}
    into = {name: cloud.databases[name] for name in names}
    restore(cloud.lab_server, [dump], into=into, choose=names, insist=True)


def definition(table: Table) -> str:
    """A short hash of a table's definition, the same on every server."""
    return hashlib.sha256(json.dumps(table_data(table), sort_keys=True).encode()).hexdigest()[:16]


def reproduced(
    scenario: Scenario,
    cloud: Cloud,
    *,
    stands: Mapping[str, Sequence[str]],
    missing: Sequence[str] = (),
    tables: Mapping[str, str] | None = None,
    rows: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Finding]:
    """At most one finding: the cloud holds the very things that `osupgrade reproduce --shrink` was left with.

    ``stands`` maps ``database.version_table`` to the revisions it must hold, ``missing`` are tables that must be away,
    ``tables`` maps tables to the hash of their :func:`definition`, ``rows`` tables to conditions, one for each row.
    """
    assert isinstance(scenario.symptom, Blocks)
    wanted = [name.partition(".") for name in (*stands, *missing, *(tables or {}), *(rows or {}))]
    if not all(cloud.has(database) for database, _, _ in wanted):
        return
    if any(_frozen(getattr(cloud.site, key)) != _frozen(value) for key, value in scenario.site.items()):
        return
    for place, revisions in stands.items():
        database, _, table = place.partition(".")
        if cloud.versions(database, table) != tuple(sorted(revisions)):
            return
    for place in missing:
        database, _, table = place.partition(".")
        if table in cloud.tables(database):
            return
    proof: list[tuple[object, ...]] = [(place, "is missing") for place in missing]
    schemas = {d: read_schema(cloud.server, cloud.databases[d]) for d in {p.partition(".")[0] for p in tables or {}}}
    for place, digest in (tables or {}).items():
        database, _, name = place.partition(".")
        found = schemas[database].table(name)
        if found is None or definition(found) != digest:
            return
        proof.append((place, "is defined so"))
    for place, conditions in (rows or {}).items():
        database, _, name = place.partition(".")
        for condition in conditions:
            sql = f"SELECT COUNT(*) FROM {quoted(name)} WHERE {condition}"
            if name not in cloud.tables(database) or not cloud.server.rows(cloud.databases[database], sql)[0][0]:
                return
            proof.append((place, condition))
    yield Finding(
        source=scenario.name,
        severity=Severity.ERROR,
        service=scenario.services[0],
        place=next(iter((*(rows or {}), *(tables or {}), *missing, *stands))),
        message=f"the cloud holds what makes {scenario.symptom.step} stop",
        consequence=scenario.title,
        evidence=Evidence.of(("table", "what"), proof),
    )


def _frozen(value: object) -> object:
    """A site has tuples where it was read, and what a scenario states where that was put over it."""
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def keep_dump(cloud: Cloud, service: str) -> None:
    """The dump that an operator takes of a service's database before a hop; :func:`bring_back` restores it."""
    cloud.lab_server.save([cloud.databases[service]], _shelf(cloud))


def fail_once(cloud: Cloud, release: str, service: str, command: str) -> None:
    """Keep a dump, then let a release's own tool fail on the database; raises LabFault when it does not fail."""
    keep_dump(cloud, service)
    run = cloud.tool(release, service, command)
    if run.ok:
        raise LabFault(f"{release}'s `{command}` on {service} should have failed", evidence=run.output[-2000:])


def bring_back(cloud: Cloud, service: str) -> None:
    """Restore the dump that was kept before a failed run; raises UsageFault where the lab has none."""
    name = cloud.databases[service]
    if not cloud.lab_server.shell(f"test -f {SHELF}/{_shelf(cloud)}/{name}.sql").ok:
        raise UsageFault(
            f"the lab has no dump of {service} from before the failed run",
            hint=f"rehearse with that dump instead: osupgrade rehearse --dump {service.upper()}-BEFORE.sql",
        )
    cloud.lab_server.load(_shelf(cloud), {name: name})


def restore_cost(cloud: Cloud, service: str) -> str:
    """What each failed try costs: how much has to be restored before the next one."""
    count, total = cloud.rows(
        service,
        "SELECT COUNT(*), SUM(data_length + index_length) FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
    )[0]
    return f"each failed try costs a restore of {size(float(total or 0))} in {count} tables"


def _shelf(cloud: Cloud) -> str:
    return f"{cloud.lane}-before"


def apply_statements(cloud: Cloud, findings: Sequence[Finding]) -> None:
    """Carry out the findings' cures as they are stated; a run of statements on one database in one session."""
    steps = [step for finding in findings if finding.cure for step in finding.cure.steps if isinstance(step, Sql)]
    for service, group in itertools.groupby(steps, key=lambda step: step.service):
        cloud.execute(service, *(step.statement for step in group))
