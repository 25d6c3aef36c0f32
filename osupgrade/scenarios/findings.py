"""What a preflight says: one way to build a finding, so that source, service and command are never forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from osupgrade.cloud.cloud import Cloud, ToolRun
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import NO_EVIDENCE, Cure, Evidence, Finding, Severity, Shell, Sql
from osupgrade.model.quoting import places
from osupgrade.model.stage import Stage
from osupgrade.model.text import counted
from osupgrade.scenarios.contract import Scenario

_TAIL = 3000
"""Characters of a tool's output that a fault shows."""


def finding(
    scenario: Scenario,
    *,
    place: str,
    message: str,
    effect: str = "",
    evidence: Evidence = NO_EVIDENCE,
    cure: Cure | None = None,
    severity: Severity = Severity.ERROR,
    service: str = "",
) -> Finding:
    """What a scenario found: ``effect`` is what then happens, ``place`` a table (``nova.instances``), a file, a hop.

    The source is the scenario, the service its first one unless another is given, and where there is a cure the command
    is the one that rehearses with it.
    """
    return Finding(
        source=scenario.name,
        severity=severity,
        service=service or scenario.services[0],
        place=place,
        message=message,
        consequence=effect,
        evidence=evidence,
        cure=cure,
        command=scenario.command if cure else "",
    )


def rows(
    scenario: Scenario,
    cloud: Cloud,
    *,
    place: str,
    query: str,
    message: str,
    effect: str = "",
    cure: str = "",
    statements: Sequence[str] = (),
    for_each_row: Sequence[str] = (),
    parameters: Sequence[Any] = (),
    needs: Iterable[str] = (),
    at: Stage | None = None,
    severity: Severity = Severity.ERROR,
) -> Iterator[Finding]:
    """At most one finding: the rows of ``query`` in the database of ``place`` are the trap.

    ``place`` is a table or a column: ``nova.instances``, ``cinder.volumes.use_quota``.

    Says nothing when the database or one of the tables in ``needs`` is missing, or when no row is found. ``message`` is
    for :func:`counted`, with the number of rows. The cure is ``statements``, then each of ``for_each_row`` once for
    every row, with ``:column`` for a value of the row and ``{column}`` for a name; all in the same database.
    """
    database, _, table = place.partition(".")
    table = table.partition(".")[0]
    if not cloud.has(database) or not {table, *needs} - {""} <= cloud.tables(database):
        return
    columns, found = cloud.table(database, query, *parameters)
    if not found:
        return
    steps = [Sql(database, statement) for statement in statements]
    steps += [filled(database, template, columns, row) for row in found for template in for_each_row]
    yield finding(
        scenario,
        place=place.rstrip("."),
        message=counted(len(found), message),
        effect=effect,
        evidence=Evidence.of(columns, found),
        cure=Cure(cure, tuple(steps), at) if cure else None,
        severity=severity,
    )


def filled(database: str, template: str, columns: Sequence[str], row: Sequence[Any]) -> Sql:
    """A statement with a row's values and names in it, quoted; ``columns`` name the row's cells."""
    named = places(template)
    return Sql.of(database, template, **{c: v for c, v in zip(columns, row, strict=True) if c in named})


def require_ok(run: ToolRun, what: str) -> ToolRun:
    """The run, if it ended well; raises UsageFault that says ``what`` failed otherwise."""
    if not run.ok:
        raise UsageFault(what, evidence=run.output[-_TAIL:])
    return run


def apply(cloud: Cloud, findings: Iterable[Finding]) -> None:
    """Carry out the SQL of the findings' cures; statements on one database that follow each other in one session."""
    steps = [step for one in findings if one.cure for step in one.cure.steps if not isinstance(step, Shell)]
    while steps:
        service = steps[0].service
        count = next((n for n, step in enumerate(steps) if step.service != service), len(steps))
        cloud.execute(service, *(step.statement for step in steps[:count]))
        steps = steps[count:]
