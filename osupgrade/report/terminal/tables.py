"""Tables on a terminal: scenarios, the parts of a nightly, two runs side by side, the APIs' answers."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from osupgrade.model.errors import Exit
from osupgrade.model.quoting import one_line
from osupgrade.model.report import ApiCall, LaneReport, Part, ScenarioReport
from osupgrade.model.text import duration
from osupgrade.report.apis import by_question, releases_asked
from osupgrade.report.compare import Line
from osupgrade.report.terminal.console import print_table, shown, table

NARROW = 100
"""Columns of a terminal below which what went wrong is printed under the matrix, not in it."""


def matrix(reports: Sequence[ScenarioReport], console: Console) -> None:
    """The scenario matrix: whether each trap failed as expected, whether its cure held, and what went wrong."""
    narrow = console.is_terminal and console.width < NARROW
    made = table()
    made.add_column("scenario", no_wrap=not narrow, overflow="fold")
    made.add_column("naive", no_wrap=True)
    made.add_column("cured", no_wrap=True)
    made.add_column("seconds", justify="right", no_wrap=True)
    if not narrow:
        made.add_column("what went wrong", overflow="fold")
    for report in reports:
        lanes = {lane.lane: lane for lane in report.lanes}
        made.add_row(
            shown(one_line(report.name), style="" if report.passed else "bold red"),
            _lane_cell(lanes.get("naive"), "as expected" if narrow else "failed as expected"),
            _lane_cell(lanes.get("cured"), "succeeded"),
            f"{sum(lane.result.seconds for lane in report.lanes):.1f}",
            *([] if narrow else [shown("\n".join(_wrong(report)))]),
        )
    print_table(made, console)
    if narrow:
        for report in reports:
            for problem in _wrong(report):
                console.print(shown(f"{one_line(report.name)}: {problem}"))


def _wrong(report: ScenarioReport) -> list[str]:
    if report.skipped:
        return [f"skipped: {report.skipped}"]
    return [f"{lane.lane}: {problem}" for lane in report.lanes for problem in lane.problems]


def parts_table(parts: Sequence[Part], console: Console) -> None:
    """The parts of a nightly: whether each came through, how long it took, and why it did not."""
    made = table()
    for name in ("part", "outcome"):
        made.add_column(name, no_wrap=True)
    made.add_column("time", justify="right", no_wrap=True)
    made.add_column("what was found", overflow="fold")
    for part in parts:
        text, style = part_outcome(part)
        found = part.report.verdict if part.report else part.problem
        seconds = duration(part.report.seconds) if part.report else ""
        made.add_row(shown(one_line(part.name)), Text(text, style), seconds, shown(found))
    print_table(made, console)


def comparison(lines: Sequence[Line], runs: Sequence[str], console: Console) -> None:
    """Two runs side by side; what is the same in both is dim."""
    made = table()
    made.add_column("", no_wrap=True)
    for run in runs:
        made.add_column(shown(one_line(run)), overflow="fold", ratio=1)
    for line in lines:
        style = "" if line.differs else "dim"
        made.add_row(shown(line.what), shown(line.left, style), shown(line.right, style))
    print_table(made, console)


def part_outcome(part: Part) -> tuple[str, str]:
    """How a part of a nightly ended, in a word, and its style."""
    if part.exit_status == Exit.CAME_THROUGH:
        return "ok", "green"
    return ("not run", "yellow") if part.exit_status == Exit.MISSING else ("FAILED", "bold red")


def _lane_cell(lane: LaneReport | None, good: str) -> Text:
    if lane is None:
        return Text("not run", style="dim")
    return Text("NO", style="bold red") if lane.problems else Text(good, style="green")


def api_table(calls: Sequence[ApiCall], console: Console) -> None:
    """Every question to the real APIs with each release's answer and the time that it took."""
    releases = releases_asked(calls)
    made = table()
    made.add_column("service", no_wrap=True)
    made.add_column("question", overflow="fold")
    for release in releases:
        made.add_column(release, no_wrap=True)
        made.add_column("seconds", justify="right", no_wrap=True)
    made.add_column("detail", overflow="fold")
    for service in by_question(calls):
        for question in service.questions:
            cells: list[Text] = []
            for release in releases:
                answer = question.answers.get(release)
                style = "" if answer is None or answer.ok else "red"
                cells += [
                    Text(answer.status if answer else "", style),
                    Text(f"{answer.seconds:.2f}" if answer else ""),
                ]
            detail = "; ".join(answer.detail for answer in question.answers.values() if answer.detail)
            made.add_row(shown(service.service), shown(one_line(question.name)), *cells, shown(one_line(detail)))
        total = [service.total(release) for release in releases]
        sums = [Text(text, "bold") for t in total for text in (f"{t.right} of {t.times}", f"{t.seconds:.2f}")]
        made.add_row(shown(service.service, "bold"), Text("all", "bold"), *sums, Text())
    print_table(made, console)
