"""The numbers at the head of the page. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from osupgrade.model.errors import Exit
from osupgrade.model.finding import Fate, Severity
from osupgrade.model.findings import settled
from osupgrade.model.report import RunReport, State
from osupgrade.model.step import Outcome
from osupgrade.model.text import duration
from osupgrade.report.digest import (
    broken_checks,
    customised,
    not_reached,
)

FATES = {
    Fate.IN_THE_WAY: "error",
    Fate.CONFLICT: "error",
    Fate.LOST: "warning",
    Fate.ALTERED: "warning",
    Fate.UPSTREAM: "good",
    Fate.KEPT: "good",
}


@dataclass(frozen=True)
class Tile:
    """One number of the head of the page."""

    label: str
    value: str
    style: str
    anchor: str


def tiles(report: RunReport) -> Iterator[Tile]:
    """The numbers that a report of this kind has."""
    result = report.result
    if result and result.steps:
        passed = sum(step.outcome is not Outcome.FAILED for step in result.steps)
        total = len(result.steps) + len(not_reached(result))
        yield Tile("steps passed", f"{passed} of {total}", "good" if passed == total else "bad", "time-line")
    if result:
        findings = settled(result.findings)
        unresolved = [f.finding.severity for f in findings if f.state is State.UNRESOLVED]
        errors, warnings = unresolved.count(Severity.ERROR), unresolved.count(Severity.WARNING)
        yield Tile("unresolved errors", str(errors), "bad" if errors else "good", "findings")
        yield Tile("unresolved warnings", str(warnings), "warn" if warnings else "good", "findings")
        cured = sum(f.state is State.CURED for f in findings)
        if cured:
            yield Tile("cured", str(cured), "good", "findings")
        if result.checked:
            broken = len(broken_checks(result))
            value = f"{len(result.checked) - broken} of {len(result.checked)}"
            yield Tile("invariants hold", value, "bad" if broken else "good", "invariants")
    own = customised(report)
    if own:
        safe = sum(FATES[one.fate] == "good" for one in own)
        yield Tile(
            "local changes preserved", f"{safe} of {len(own)}", "good" if safe == len(own) else "warn", "customisations"
        )
    if report.api:
        answered = sum(call.ok for call in report.api)
        style = "good" if answered == len(report.api) else "bad"
        yield Tile("API checks passed", f"{answered} of {len(report.api)}", style, "apis")
    if report.parts:
        good = sum(part.exit_status == Exit.CAME_THROUGH for part in report.parts)
        absent = sum(part.exit_status == Exit.MISSING for part in report.parts)
        style = "good" if good == len(report.parts) else "warn" if good + absent == len(report.parts) else "bad"
        yield Tile("parts succeeded", f"{good} of {len(report.parts)}", style, "parts")
        if absent:
            yield Tile("parts not run", str(absent), "warn", "parts")
        ran = [scenario for part in report.parts if part.report for scenario in part.report.scenarios]
        if ran:
            passed = sum(scenario.passed for scenario in ran)
            style = "good" if passed == len(ran) else "bad"
            yield Tile("scenarios passed", f"{passed} of {len(ran)}", style, "matrix")
    if report.scenarios:
        passed = sum(scenario.passed for scenario in report.scenarios)
        style = "good" if passed == len(report.scenarios) else "bad"
        yield Tile("scenarios passed", f"{passed} of {len(report.scenarios)}", style, "scenarios")
    yield Tile("time taken", duration(report.seconds), "", "manifest")
