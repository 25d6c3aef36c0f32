"""``summary.md``: the report for a CI job's page (GitHub's step summary, a GitLab note)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from osupgrade.catalog.render import Markup
from osupgrade.model.findings import settled
from osupgrade.model.quoting import markdown as text
from osupgrade.model.quoting import markdown_block
from osupgrade.model.report import LaneResult, RunReport, State
from osupgrade.model.step import Outcome, StepResult
from osupgrade.model.text import counted, duration
from osupgrade.report.digest import (
    broken_checks,
    by_service,
    customised,
    error_of,
    exactness,
    not_reached,
    travelled,
)

_PART = {0: "✅", 3: "⏭️"}
_MOST = 50
"""Rows of a table; a job's page is to be read, and the run directory has them all."""


def markdown(report: RunReport) -> str:
    """The summary: the verdict, chains, what failed, what is unresolved, scenarios and the next command."""
    good = report.exit_status == 0
    lines = [
        f"## {'✅' if good else '❌'} {text(report.verdict[:1].upper() + report.verdict[1:])}",
        "",
        f"{report.kind}, {duration(report.seconds)}, {text(report.manifest.database)}, "
        f"cloud: {text(report.manifest.cloud)}",
        "",
    ]
    lines += [f"> {text(note)}\n" for note in report.notes]
    rows = [
        [_PART.get(part.exit_status, "❌"), part.name, part.report.verdict if part.report else part.problem]
        for part in report.parts
    ]
    lines += _table(("", "part", "what was found"), rows)
    for part in report.parts:
        if part.report and part.exit_status and part.report.scenarios:
            lines += [f"### {text(part.name)}", "", *_scenarios(part.report)]
    if report.result:
        lines += _lane(report.result, report)
    lines += _schemas(report)
    if report.strategy and report.strategy.way_back:
        lines += [f"**Way back**: {text(report.strategy.way_back)}.", ""]
    if report.scenarios:
        lines += _scenarios(report)
    if report.api:
        bad = [call for call in report.api if not call.ok]
        lines += [
            counted(len(report.api), "**APIs**: {good} of {n} check[s] passed.", good=len(report.api) - len(bad)),
            "",
        ]
        lines += [f"- {text(f'{c.release} {c.service}: {c.name}: {c.detail}')}" for c in bad] + [""] * bool(bad)
    lines += ["Next:", "", *markdown_block(report.next_command, "sh"), ""]
    return "\n".join(lines)


def _lane(result: LaneResult, report: RunReport) -> Iterator[str]:
    missing = not_reached(result)
    if result.refused:
        yield from ("**The cloud could not be set up:**", "", *markdown_block(result.refused, "text"), "")
    rows = []
    for service, steps in by_service(result).items():
        left = [hop for hop in missing if hop.endswith(f"/{service}")]
        times = [f"{text(step.step)} {_word(step)} {duration(step.seconds)}" for step in steps]
        good = "❌" if left or any(step.outcome is Outcome.FAILED for step in steps) else "✅"
        reached = Markup(", ".join([*times, *(text(f"{hop} not reached") for hop in left)]))
        rows.append([good, service, travelled(steps), reached])
    yield from _table(("", "service", "versions", "steps"), rows)
    for step in result.failed:
        yield from _failure(step)
    if result.checked:
        red = broken_checks(result)
        held = len(result.checked) - len(red)
        yield counted(held, "**Invariants**: {n} of {all} hold[s|].", all=len(result.checked))
        yield ""
        yield from (f"- ❌ {text(report.invariants.get(name, name))}" for name in red)
        yield from [""] * bool(red)
    findings = settled(result.findings)
    unresolved = [found.finding for found in findings if found.state is State.UNRESOLVED]
    if findings:
        cured = sum(found.state is State.CURED for found in findings)
        yield f"**Findings**: {len(unresolved)} unresolved, {cured} cured."
        yield ""
    yield from _table(
        ("severity", "service", "place", "what", "cure"),
        [[f.severity.value, f.service, f.place, f.message, f.cure.summary if f.cure else ""] for f in unresolved],
    )


def _schemas(report: RunReport) -> Iterator[str]:
    exact, other = exactness(report)
    if exact:
        yield f"**Schema**: same as upstream, apart from local changes: {text(exact)}."
        yield ""
    if other:
        yield f"**Schema**: differs from upstream: {text(other)}."
        yield ""
    yield from _table(
        ("local change", "service", "place", "what became of it", "data"),
        [[one.fate.value, one.service, one.place, one.words, one.data] for one in customised(report)],
    )


def _failure(step: StepResult) -> Iterator[str]:
    revision = f" in revision {step.diagnosis.revision}" if step.diagnosis and step.diagnosis.revision else ""
    yield f"**{text(f'{step.step} failed{revision}')}**: {text('; '.join(step.problems))}"
    yield ""
    statement = step.diagnosis.statement if step.diagnosis else None
    yield from markdown_block("\n".join(filter(None, (statement, error_of(step)))), "text")
    yield ""


def _scenarios(report: RunReport) -> Iterator[str]:
    rows = []
    for scenario in sorted(report.scenarios, key=lambda s: s.passed):
        lanes = {lane.lane: "❌" if lane.problems else "✅" for lane in scenario.lanes}
        wrong = "; ".join(f"{lane.lane}: {problem}" for lane in scenario.lanes for problem in lane.problems)
        wrong = f"skipped: {scenario.skipped}" if scenario.skipped else wrong
        seconds = f"{sum(lane.result.seconds for lane in scenario.lanes):.1f}"
        rows.append([scenario.name, lanes.get("naive", ""), lanes.get("cured", ""), seconds, wrong])
    yield from _table(("scenario", "naive", "cured", "seconds", "what went wrong"), rows)


def _word(step: StepResult) -> str:
    return "" if step.outcome is Outcome.PASSED else f"**{step.outcome.value}**"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows[:_MOST]:
        yield "| " + " | ".join(cell if isinstance(cell, Markup) else text(cell) for cell in row) + " |"
    if len(rows) > _MOST:
        yield f"| … and {len(rows) - _MOST} more |" + " |" * (len(head) - 1)
    yield ""
