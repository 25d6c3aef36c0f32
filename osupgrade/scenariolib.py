"""What many scenarios say in the same way: rows that prove a trap, and the statements that cure it."""

from __future__ import annotations

from collections.abc import Iterator

from osupgrade.cloud import Cloud
from osupgrade.model import Cure, Finding, Severity, Sql, Stage
from osupgrade.scenario import Scenario


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
