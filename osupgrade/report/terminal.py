"""What one sees: a live view while a rehearsal runs, and a verdict that fits on one screen.

On a terminal the view is a table of service chains and steps that moves; elsewhere (a pipe, CI, ``TERM=dumb``) it is
one plain line a step. Colour is rich's business, which honours ``NO_COLOR``; no meaning hangs on colour alone.
"""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.spinner import Spinner
from rich.table import Column, Table
from rich.text import Text

from osupgrade.model.errors import Exit
from osupgrade.model.events import TELL_SECONDS, Event, Kind
from osupgrade.model.finding import Fate, Severity
from osupgrade.model.findings import settled
from osupgrade.model.plan import Plan
from osupgrade.model.report import ApiCall, LaneReport, LaneResult, Part, RunReport, ScenarioReport, State
from osupgrade.model.step import Outcome, StepResult
from osupgrade.model.text import duration, size
from osupgrade.report.apis import by_question, releases_asked
from osupgrade.report.compare import Line
from osupgrade.report.digest import (
    between,
    broken_checks,
    by_service,
    customised,
    error_of,
    exactness,
    migrations_of,
    short_error,
    travelled,
    where,
)

SCREEN = 19
"""Lines that a verdict may take; with the line after it, which says where the evidence lies, it is 20."""
SEVERITIES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_FATES = {Fate.IN_THE_WAY: "bold red", Fate.CONFLICT: "red", Fate.LOST: "yellow", Fate.ALTERED: "yellow"}
SHOWN_OWN = 5
"""Customisations that a verdict names."""
_OUTCOMES = {"passed": ("✓", "ok", "green"), "failed": ("✗", "FAILED", "bold red"), "skipped": ("–", "skipped", "dim")}


def live(plan: Plan, console: Console, *, quiet: bool = False, expected: float | None = None) -> LiveView:
    """A view of a rehearsal of ``plan``: a context manager whose ``told`` is a listener for an EventLog.

    ``expected`` is how many seconds such a rehearsal usually takes, where that is known.
    """
    moving = console.is_terminal and not console.is_dumb_terminal and not quiet
    return LiveView(plan, console, moving=moving, quiet=quiet, expected=expected)


@dataclass
class _Cell:
    started: float
    seconds: float = 0.0
    outcome: str = ""


class LiveView:
    """Follows a rehearsal's events; made by :func:`live`."""

    def __init__(
        self, plan: Plan, console: Console, *, moving: bool, quiet: bool, expected: float | None = None
    ) -> None:
        self._plan = plan
        self._expected = expected
        self._console = console
        self._quiet = quiet
        self._lock = threading.RLock()
        self._cells: dict[str, _Cell] = {}
        self._counts: dict[str, int] = {}
        self._now = "getting ready"
        self._how_far = ""
        self._printed = 0.0
        self._begun = time.monotonic()
        self._spinner = Spinner("dots")
        self._live = Live(self, console=console, refresh_per_second=8, transient=False) if moving else None

    def __enter__(self) -> LiveView:
        self._begun = time.monotonic()
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._now = "stopped" if kind else ""
            self._live.stop()

    def follow(self, plan: Plan) -> None:
        """Show another plan from now on, such as one narrowed to what a dump holds."""
        with self._lock:
            self._plan = plan

    def told(self, event: Event) -> None:
        """Take note of an event; the listener for an EventLog."""
        with self._lock:
            self._how_far = event.text if event.kind is Kind.PROGRESS else ""
            if event.kind is Kind.STEP_STARTED:
                self._cells[event.step] = _Cell(time.monotonic())
                self._now = "looking at what came out"  # what is true when no step runs, until the lab says otherwise
            elif event.kind is Kind.STEP_ENDED:
                cell = self._cells.setdefault(event.step, _Cell(time.monotonic()))
                cell.seconds, cell.outcome = time.monotonic() - cell.started, event.outcome
            elif event.kind is Kind.LAB:
                self._now = event.text
            elif event.kind is not Kind.PROGRESS:
                self._count(event)
            if not self._live and not self._quiet:
                self._line(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._lock:
            yield self._table(options.ascii_only)
            yield self._status(options.ascii_only)
            if self._how_far:
                yield Text(self._how_far, no_wrap=True, overflow="ellipsis")

    def _count(self, event: Event) -> None:
        if event.kind is Kind.FINDING and event.outcome != State.STANDING:
            return  # a cure that is applied or planned is told by its own event
        words = {Kind.FINDING: "standing", Kind.CURED: "cured", Kind.CHECKED: "checks", Kind.INJECTED: "injected"}
        word = words[event.kind]
        if event.kind is Kind.CHECKED and event.outcome == "failed":
            word = "checks failed"
        self._counts[word] = self._counts.get(word, 0) + 1

    def _line(self, event: Event) -> None:
        at = f"{event.seconds:8.1f} s  "
        if event.kind is Kind.STEP_ENDED:
            cell = self._cells[event.step]
            text = f"{event.step:<18} {event.outcome:<7} {cell.seconds:6.1f} s"
            if event.outcome == Outcome.FAILED:
                text += f"  {short_error(event.text)}"
        elif event.kind is Kind.PROGRESS:
            if time.monotonic() - self._printed < TELL_SECONDS:
                return
            text, self._printed = event.text, time.monotonic()
        elif event.kind in (Kind.LAB, Kind.INJECTED, Kind.CURED):
            text = event.text if event.kind is Kind.LAB else f"{event.step:<18} {event.kind.value}: {event.text}"
        else:
            return
        self._console.print(Text(at + " ".join(text.splitlines())), soft_wrap=True)

    def _table(self, ascii_only: bool) -> Table:
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        table.add_column("", style="bold", no_wrap=True)
        targets = [release.name for release in self._plan.releases[1:]]
        finish = self._plan.finish
        for name in (*targets, *((finish.name,) if finish else ())):
            table.add_column(name, min_width=10, no_wrap=True)
        for chain in self._plan.chains:
            cells = [self._cell(f"{target}/{chain.service}", ascii_only) for target in targets]
            if finish:
                mine = finish.service == chain.service
                cells.append(self._cell(finish.name, ascii_only) if mine else Text(""))
            table.add_row(chain.service, *cells)
        return table

    def _cell(self, step: str, ascii_only: bool) -> Text:
        cell = self._cells.get(step)
        if cell is None:
            return Text("." if ascii_only else "·", style="dim")
        if not cell.outcome:
            elapsed = time.monotonic() - cell.started
            return Text.assemble(self._spin(ascii_only), " ", (duration(elapsed), "cyan"))
        sign, word, style = _OUTCOMES[cell.outcome]
        return Text(f"{word if ascii_only else sign} {duration(cell.seconds)}", style=style)

    def _status(self, ascii_only: bool) -> Text:
        counts = "  ".join(f"{count} {word}" for word, count in sorted(self._counts.items()))
        done = sum(1 for cell in self._cells.values() if cell.outcome)
        gone = time.monotonic() - self._begun
        parts = [duration(gone), f"{done} of {len(self._plan.steps)} steps", counts]
        if self._expected and self._live and self._live.is_started:
            left = self._expected - gone
            parts.insert(1, f"about {duration(left)} left" if left > 0 else f"{duration(self._expected)} is usual")
        if not any(cell.outcome == "" for cell in self._cells.values()):
            parts.append(" ".join(self._now.split()))
        text = Text("  ".join(part for part in parts if part), style="dim", no_wrap=True, overflow="ellipsis")
        if self._live and self._live.is_started:
            text = Text.assemble(self._spin(ascii_only), " ", text, no_wrap=True, overflow="ellipsis")
        return text

    def _spin(self, ascii_only: bool) -> Text:
        if ascii_only:
            return Text("*", style="cyan")
        frame = self._spinner.render(self._console.get_time())
        return frame if isinstance(frame, Text) else Text("*")


class ScenarioView:
    """Follows a run of many scenarios: a line for each that ends, and on a terminal a bar with the time left."""

    def __init__(self, total: int, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._done = 0
        self._total = total
        columns = (
            SpinnerColumn(),
            MofNCompleteColumn(),
            BarColumn(24),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        )
        moving = console.is_terminal and not console.is_dumb_terminal and not quiet
        self._progress = Progress(*columns, console=console, transient=True, disable=not moving)
        self._task = self._progress.add_task("getting ready", total=total)

    def __enter__(self) -> ScenarioView:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """What the lab is doing: beside the bar, or a line of its own where there is no terminal."""
        if self._progress.disable:
            self._print(Text(text))
        else:
            self._progress.update(self._task, description=" ".join(text.split()))

    def told(self, report: ScenarioReport) -> None:
        """A scenario has ended."""
        self._done += 1
        self._progress.update(self._task, advance=1, description="")
        seconds = sum(lane.result.seconds for lane in report.lanes)
        sign, style = ("ok    ", "green") if report.passed else ("FAILED", "bold red")
        if report.skipped:
            sign, style = "skipped", "dim"
        self._print(
            Text.assemble((sign, style), f" {report.name} ({self._done} of {self._total}, {duration(seconds)})")
        )
        if report.skipped:
            self._print(Text(f"       {report.skipped}"))
        for lane in report.lanes:
            for problem in lane.problems:
                self._print(Text(f"       {lane.lane}: {problem}"))

    def _print(self, line: Text) -> None:
        if not self._quiet:
            self._console.print(line, soft_wrap=True)


def verdict(report: RunReport, console: Console) -> None:
    """The verdict on one screen: what passed, what failed and why, what stands, and the next command."""
    width = max(console.width, 60) if console.is_terminal else max(console.width, 120)
    style = "bold green" if report.exit_status == 0 else "bold red"
    title = f"{report.verdict[:1].upper()}{report.verdict[1:]}  ({duration(report.seconds)})"
    head = [Text(line, style) for line in textwrap.wrap(title, width, max_lines=2, placeholder=" …")]
    head += [_fit(_row("note", note), width) for note in report.notes[:2]]
    tail = [_row("next", report.next_command, "bold")]
    if report.kept:
        at = f"{report.kept.user}@{report.kept.host}:{report.kept.port}"
        tail.insert(
            0, _row("database", f"left up at {at}; its password is in report.json (osupgrade clean removes it)")
        )
    room = SCREEN - len(head) - len(tail)
    middle = [*_way_back(report), *_schemas(report), *_api(report), *_estimate(report)]
    if report.result:
        middle = [*_lane(report.result, width, room - len(middle)), *middle]
    middle += _bad_scenarios(report.scenarios)
    for part in report.parts:
        if part.report:
            middle += _bad_scenarios(part.report.scenarios)
    if len(middle) > room:
        middle = [*middle[: room - 1], _row("", f"… {len(middle) - room + 1} more lines in report.html")]
    for line in (*head, *(_fit(line, width) for line in middle), *tail):
        console.print(line, soft_wrap=True)


def matrix(reports: Sequence[ScenarioReport], console: Console) -> None:
    """The scenario matrix: whether each trap bit as stated, whether its cure held, and what went wrong."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("scenario", no_wrap=True)
    table.add_column("naive", no_wrap=True)
    table.add_column("cured", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("what went wrong", overflow="fold")
    for report in reports:
        lanes = {lane.lane: lane for lane in report.lanes}
        wrong = "\n".join(f"{lane.lane}: {problem}" for lane in report.lanes for problem in lane.problems)
        wrong = f"skipped: {report.skipped}" if report.skipped else wrong
        table.add_row(
            Text(report.name, style="" if report.passed else "bold red"),
            _lane_cell(lanes.get("naive"), "bit as stated"),
            _lane_cell(lanes.get("cured"), "came through"),
            f"{sum(lane.result.seconds for lane in report.lanes):.1f}",
            Text(wrong),
        )
    print_table(table, console)


def parts_table(parts: Sequence[Part], console: Console) -> None:
    """The parts of a nightly: whether each came through, how long it took, and why it did not."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("part", "outcome"):
        table.add_column(name, no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("what was found", overflow="fold")
    for part in parts:
        text, style = part_outcome(part)
        told = part.report.verdict if part.report else part.problem
        taken = duration(part.report.seconds) if part.report else ""
        table.add_row(part.name, Text(text, style), taken, Text(told))
    print_table(table, console)


def comparison(lines: Sequence[Line], runs: Sequence[str], console: Console) -> None:
    """Two runs side by side; what is the same in both is dim."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    for run in runs:
        table.add_column(Text(run), overflow="fold", ratio=1)
    for line in lines:
        style = "" if line.differs else "dim"
        table.add_row(Text(line.what), Text(line.left, style), Text(line.right, style))
    print_table(table, console)


def part_outcome(part: Part) -> tuple[str, str]:
    """How a part of a nightly ended, in a word, and its style."""
    if part.exit_status == Exit.CAME_THROUGH:
        return "ok", "green"
    return ("not run", "yellow") if part.exit_status == Exit.MISSING else ("FAILED", "bold red")


def print_table(table: Table, console: Console) -> None:
    """To a file or a pipe a table goes in its full width: nobody can widen those to read a cell."""
    if not console.is_terminal:
        console = Console(file=console.file, width=max(console.width, 160), highlight=False, color_system=None)
    console.print(table)


def _lane_cell(lane: LaneReport | None, good: str) -> Text:
    if lane is None:
        return Text("not run", style="dim")
    return Text("NO", style="bold red") if lane.problems else Text(good, style="green")


def _row(label: str, text: str, style: str = "") -> Text:
    return Text.assemble(("  " + f"{label:<9}", "dim"), (text, style))


def _fit(line: Text, width: int) -> Text:
    line = Text(" ").join(line.split("\n")) if "\n" in line.plain else line
    line.truncate(width, overflow="ellipsis")
    return line


def _lane(result: LaneResult, width: int, room: int) -> list[Text]:
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
    lines += _findings(result, max(2, room - len(lines) - 2))
    return lines


def _failure(step: StepResult, width: int, lines_for_error: int) -> list[Text]:
    revision = f" in revision {step.diagnosis.revision}" if step.diagnosis and step.diagnosis.revision else ""
    where = f"{step.step} ({step.service} to {step.release}){revision}"
    stand = "; ".join(problem for problem in step.problems)
    lines = [_row("FAILED", where, "bold red")]
    if step.diagnosis:
        lines.append(_row("", stand))
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
    standing = [found for found in all_of_them if found.state is State.STANDING]
    if not all_of_them:
        return []
    counts = [
        f"{count} {severity.value}{'s' if count > 1 and severity is not Severity.INFO else ''}"
        for severity in Severity
        if (count := sum(found.finding.severity is severity for found in standing))
    ]
    cured = sum(found.state is State.CURED for found in all_of_them)
    told = f"{', '.join(counts) or 'none'} standing" + (f", {cured} cured" if cured else "")
    lines = [_row("findings", told)]
    for found in standing[: room - 1]:
        finding = found.finding
        label = Text(f"  {'':<9}{finding.severity.value:<8} ", style=SEVERITIES[finding.severity])
        lines.append(Text.assemble(label, f"{where(finding)}: {finding.message}"))
    if len(standing) > room - 1:
        lines[-1] = _row("", f"… and {len(standing) - room + 2} more in report.html", "dim")
    return lines


def _checks(result: LaneResult) -> list[Text]:
    if not result.checked:
        return []
    red = broken_checks(result)
    held = len(result.checked) - len(red)
    text = f"{held} of {len(result.checked)} invariants hold"
    return [_row("checks", text + (f"; broken: {', '.join(red)}" if red else ""), "red" if red else "")]


def _silent(result: LaneResult, width: int) -> list[Text]:
    """The damage that no tool spoke of, as the invariants tell it; nothing where all of them hold."""
    red = broken_checks(result)
    damage = "; ".join(found.finding.message for found in result.standing if found.finding.source in red)
    return [_row("silent", line, "red") for line in _wrapped(damage, width, 1)]


def _schemas(report: RunReport) -> list[Text]:
    """Whether the schemas are what they should be, and a line for each customisation."""
    exact, other = exactness(report)
    own = customised(report)
    besides = ", besides what is yours" if own else ""
    lines = [_row("schema", f"exactly upstream's{besides}: {exact}")] if exact else []
    if other:
        lines.append(_row("" if lines else "schema", f"otherwise than upstream's: {other}", "yellow"))
    for number, one in enumerate(own[:SHOWN_OWN]):
        data = f" ({one.data})" if one.data else ""
        text = f"{one.fate.value}: {one.service}: {one.words}{data}"
        lines.append(_row("" if number else "yours", text, _FATES.get(one.fate, "")))
    if len(own) > SHOWN_OWN:
        lines.append(_row("", f"… and {len(own) - SHOWN_OWN} more of yours in report.html", "dim"))
    return lines


def _way_back(report: RunReport) -> list[Text]:
    seen = report.strategy.way_back if report.strategy else ""
    return [_row("way back", seen, "green")] if seen else []


def _slowest(result: LaneResult) -> list[Text]:
    seen = migrations_of(result)
    if not seen:
        return []
    told = [f"{m.name} {duration(m.seconds)}" for m in seen[:3]]
    return [_row("slowest", f"{',  '.join(told)}  (of {len(seen)} migrations)")]


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
    text = f"{len(report.api) - len(bad)} of {len(report.api)} questions answered as they should"
    took = {r: sum(c.seconds for c in report.api if c.release == r) for r in releases_asked(report.api)}
    if len(took) > 1:
        times = ", ".join(f"{release} in {duration(seconds)}" for release, seconds in took.items())
        text += f": {times}; each with its time: osupgrade report --apis"
    lines = [_row("APIs", text)]
    return lines + [_row("", f"{c.release} {c.service}: {c.name}: {c.detail}", "red") for c in bad[:3]]


def api_table(calls: Sequence[ApiCall], console: Console) -> None:
    """Every question to the real APIs with each release's answer and the time that it took."""
    releases = releases_asked(calls)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("service", no_wrap=True)
    table.add_column("question", overflow="fold")
    for release in releases:
        table.add_column(release, no_wrap=True)
        table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("detail", overflow="fold")
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
            table.add_row(Text(service.service), Text(question.name), *cells, Text(detail))
        total = [service.total(release) for release in releases]
        sums = [Text(text, "bold") for t in total for text in (f"{t.right} of {t.asked}", f"{t.seconds:.2f}")]
        table.add_row(Text(service.service, "bold"), Text("all", "bold"), *sums, Text())
    print_table(table, console)


def _bad_scenarios(reports: Sequence[ScenarioReport]) -> list[Text]:
    lines = []
    for report in reports:
        for lane in report.lanes:
            lines += [_row("FAILED", f"{report.name}, {lane.lane} lane: {p}", "red") for p in lane.problems[:2]]
    return lines
