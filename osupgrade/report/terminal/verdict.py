"""The verdict on a rehearsal, which fits on one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from osupgrade.model.finding import Fate, Severity
from osupgrade.model.findings import settled
from osupgrade.model.quoting import one_line, visible
from osupgrade.model.report import LaneResult, RunReport, ScenarioReport, State
from osupgrade.model.step import Outcome, StepResult
from osupgrade.model.text import counted, duration, size
from osupgrade.report.apis import releases_asked
from osupgrade.report.digest import (
    between,
    broken_checks,
    by_service,
    customised,
    error_of,
    exactness,
    migrations_of,
    travelled,
    where,
)
from osupgrade.report.terminal.console import SEVERITIES, shown

SCREEN = 19
"""Lines that a verdict may take; with the line after it, which names the evidence, it is 20."""
SHOWN_OWN = 5
"""Customisations that a verdict names, where there is room."""
SHOWN_ERRORS = 3
"""Errors that a verdict names before it names customisations."""
_FATES = {Fate.IN_THE_WAY: "bold red", Fate.CONFLICT: "red", Fate.LOST: "yellow", Fate.ALTERED: "yellow"}


def verdict(report: RunReport, console: Console) -> None:
    """The verdict on one screen: what passed, what failed and why, what is unresolved, and the next command."""
    width = max(console.width, 60) if console.is_terminal else max(console.width, 120)
    style = "bold green" if report.exit_status == 0 else "bold red"
    title = f"{report.verdict[:1].upper()}{report.verdict[1:]}  ({duration(report.seconds)})"
    head = [shown(line, style) for line in textwrap.wrap(title, width, max_lines=2, placeholder=" …")]
    head += [_fit(_row("note", note), width) for note in report.notes[:2]]
    tail = [_row("next", report.next_command, "bold")]
    if report.kept:
        at = f"{report.kept.user}@{report.kept.host}:{report.kept.port}"
        tail.insert(
            0, _row("database", f"left up at {at}; its password is in report.json (osupgrade clean removes it)")
        )
    room = SCREEN - len(head) - len(tail)
    lane = _lane(report.result, width) if report.result else []
    others = [*_way_back(report), *_exactness(report), *_api(report), *_estimate(report)]
    own = _own(report, room - len(lane) - len(others) - _least(report.result))
    if report.result:
        lane += _findings(report.result, max(2, room - len(lane) - len(others) - len(own)))
    middle = [*lane, *_way_back(report), *_exactness(report), *own, *_api(report), *_estimate(report)]
    middle += _bad_scenarios(report.scenarios)
    for part in report.parts:
        if part.report:
            middle += _bad_scenarios(part.report.scenarios)
    if len(middle) > room:
        middle = [*middle[: room - 1], _row("", counted(len(middle) - room + 1, "… {n} more line[s] in report.html"))]
    for line in (*head, *(_fit(line, width) for line in middle), *tail):
        console.print(line, soft_wrap=True)


def _row(label: str, text: str, style: str = "") -> Text:
    return Text.assemble(("  " + f"{label:<9}", "dim"), (visible(text), style))


def _fit(line: Text, width: int) -> Text:
    line = Text(" ").join(line.split("\n")) if "\n" in line.plain else line
    line.truncate(width, overflow="ellipsis")
    return line


def _lane(result: LaneResult, width: int) -> list[Text]:
    lines: list[Text] = []
    if result.refused:
        lines.append(_row("refused", result.refused, "red"))
    chains = by_service(result)
    passed = [
        f"{service} {travelled(steps)}"
        for service, steps in chains.items()
        if steps and all(step.outcome is not Outcome.FAILED for step in steps)
    ]
    for number, text in enumerate(textwrap.wrap(",  ".join(passed).replace(" → ", "\N{NO-BREAK SPACE}→ "), width - 12)):
        lines.append(_row("" if number else "passed", text.replace("\N{NO-BREAK SPACE}", " "), "green"))
    failed = result.failed
    for number, step in enumerate(failed):
        lines += _failure(step, width, lines_for_error=2 if number == 0 and len(failed) < 3 else 1)
    lines += _checks(result)
    lines += _silent(result, width) or _slowest(result)
    return lines


def _failure(step: StepResult, width: int, lines_for_error: int) -> list[Text]:
    revision = f" in revision {step.diagnosis.revision}" if step.diagnosis and step.diagnosis.revision else ""
    where = f"{step.step} ({step.service} to {step.release}){revision}"
    problems = "; ".join(step.problems)
    lines = [_row("FAILED", where, "bold red")]
    if step.diagnosis:
        lines.append(_row("", problems))
        if step.diagnosis.statement:
            lines += [_row("", line) for line in _wrapped(step.diagnosis.statement, width, lines_for_error)]
        lines += [_row("", line, "red") for line in _wrapped(error_of(step), width, lines_for_error)]
    else:
        lines.append(_row("", error_of(step), "red"))
    if step.log:
        lines.append(_row("", f"log: logs/{step.log}", "dim"))
    return lines


def _wrapped(text: str, width: int, lines: int) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), width - 12, max_lines=lines, placeholder=" …", break_on_hyphens=False)


def _findings(result: LaneResult, room: int) -> list[Text]:
    all_of_them = settled(result.findings)
    unresolved = [found for found in all_of_them if found.state is State.UNRESOLVED]
    if not all_of_them:
        return []
    counts = [
        f"{count} {severity.value}" if severity is Severity.INFO else counted(count, f"{{n}} {severity.value}[s]")
        for severity in Severity
        if (count := sum(found.finding.severity is severity for found in unresolved))
    ]
    cured = sum(found.state is State.CURED for found in all_of_them)
    text = f"{', '.join(counts) or 'none'} unresolved" + (f", {cured} cured" if cured else "")
    shown = len(unresolved) if len(unresolved) < room else max(1, room - 2)
    if room == 2 < len(unresolved) + 1:
        text += " (all of them in report.html)"
    lines = [_row("findings", text)]
    for found in unresolved[:shown]:
        finding = found.finding
        label = Text(f"  {'':<9}{finding.severity.value:<8} ", style=SEVERITIES[finding.severity])
        lines.append(Text.assemble(label, one_line(f"{where(finding)}: {finding.message}")))
    if len(unresolved) > shown and room > 2:
        lines.append(_row("", f"… and {len(unresolved) - shown} more in report.html", "dim"))
    return lines


def _least(result: LaneResult | None) -> int:
    """The lines that findings need at least: their number, the errors, and that there are more."""
    found = settled(result.findings) if result else ()
    unresolved = [one.finding.severity for one in found if one.state is State.UNRESOLVED]
    errors = min(unresolved.count(Severity.ERROR), SHOWN_ERRORS)
    return bool(found) + errors + (len(unresolved) > errors)


def _checks(result: LaneResult) -> list[Text]:
    if not result.checked:
        return []
    red = broken_checks(result)
    held = len(result.checked) - len(red)
    text = counted(held, "{n} of {all} invariants hold[s|]", all=len(result.checked))
    return [_row("checks", text + (f"; broken: {', '.join(red)}" if red else ""), "red" if red else "")]


def _silent(result: LaneResult, width: int) -> list[Text]:
    """The damage that no tool reported, from the invariants that do not hold."""
    red = broken_checks(result)
    damage = "; ".join(found.finding.message for found in result.unresolved if found.finding.source in red)
    return [_row("silent", line, "red") for line in _wrapped(damage, width, 1)]


def _exactness(report: RunReport) -> list[Text]:
    """Whether the schemas are what they should be."""
    exact, other = exactness(report)
    apart = ", apart from local changes" if customised(report) else ""
    lines = [_row("schema", f"same as upstream{apart}: {exact}")] if exact else []
    if other:
        lines.append(_row("" if lines else "schema", f"differs from upstream: {other}", "yellow"))
    return lines


def _own(report: RunReport, room: int) -> list[Text]:
    """A line for each customisation, as many as there is room for and at least one."""
    own = customised(report)
    named = own if len(own) <= min(SHOWN_OWN, room) else own[: max(1, min(SHOWN_OWN, room - 1))]
    lines = []
    for number, one in enumerate(named):
        data = f" ({one.data})" if one.data else ""
        text = f"{one.fate.value}: {one.service}: {one.words}{data}"
        lines.append(_row("" if number else "local", text, _FATES.get(one.fate, "")))
    if len(own) > len(named):
        lines.append(_row("", counted(len(own) - len(named), "… and {n} more local change[s] in report.html"), "dim"))
    return lines


def _way_back(report: RunReport) -> list[Text]:
    seen = report.strategy.way_back if report.strategy else ""
    return [_row("way back", seen, "green")] if seen else []


def _slowest(result: LaneResult) -> list[Text]:
    seen = migrations_of(result)
    if not seen:
        return []
    slowest = [f"{m.name} {duration(m.seconds)}" for m in seen[:3]]
    return [_row("slowest", f"{',  '.join(slowest)}  ({counted(len(seen), 'of {n} migration[s]')})")]


def _estimate(report: RunReport) -> list[Text]:
    seen = report.estimate
    if seen is None:
        return []
    down = f"APIs down for {between(seen.down)}"
    lines = [
        _row("estimate", f"{between(seen.total)} one step after the other, {down}", "bold"),
        _row("", f"{between(seen.side_by_side)} chains side by side; {size(seen.disk_bytes)} must be free on the disk"),
    ]
    lines += [_row("", f"{gain.title}: saves {duration(gain.saved)} in {gain.migration}") for gain in seen.gains[:1]]
    if seen.warnings:
        more = f" (and {len(seen.warnings) - 1} more)" if len(seen.warnings) > 1 else ""
        lines.append(_row("", seen.warnings[0] + more, "yellow"))
    return lines


def _api(report: RunReport) -> list[Text]:
    if not report.api:
        return []
    bad = [call for call in report.api if not call.ok]
    text = counted(len(report.api), "{good} of {n} check[s] passed", good=len(report.api) - len(bad))
    took = {r: sum(c.seconds for c in report.api if c.release == r) for r in releases_asked(report.api)}
    if len(took) > 1:
        times = ", ".join(f"{release} in {duration(seconds)}" for release, seconds in took.items())
        text += f": {times}; each with its time: osupgrade report --apis"
    lines = [_row("APIs", text)]
    return lines + [_row("", f"{c.release} {c.service}: {c.name}: {c.detail}", "red") for c in bad[:3]]


def _bad_scenarios(reports: Sequence[ScenarioReport]) -> list[Text]:
    lines = []
    for report in reports:
        for lane in report.lanes:
            lines += [_row("FAILED", f"{report.name}, {lane.lane} lane: {p}", "red") for p in lane.problems[:2]]
    return lines
