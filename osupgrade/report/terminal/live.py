"""What one sees while a rehearsal or many scenarios run: a table or a bar that moves, or plain lines in a pipe."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TimeRemainingColumn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from osupgrade.model.events import TELL_SECONDS, Event, Kind
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import one_line
from osupgrade.model.report import ScenarioReport, State
from osupgrade.model.step import Outcome
from osupgrade.model.text import counted, duration
from osupgrade.report.digest import (
    short_error,
)
from osupgrade.report.terminal.console import Words, shown, whole

MOST_COLUMNS = 5
"""Releases that have a column of their own."""
_OUTCOMES = {"passed": ("✓", "ok", "green"), "failed": ("✗", "FAILED", "bold red"), "skipped": ("–", "skipped", "dim")}


def live(plan: Plan, console: Console, *, quiet: bool = False, expected: float | None = None) -> LiveView:
    """A view of a rehearsal of ``plan``: a context manager whose ``on_event`` is a listener for an EventLog.

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

    def on_event(self, event: Event) -> None:
        """Take note of an event; the listener for an EventLog."""
        with self._lock:
            self._how_far = event.text if event.kind is Kind.PROGRESS else ""
            if event.kind is Kind.STEP_STARTED:
                self._cells[event.step] = _Cell(time.monotonic())
                self._now = "checking the result"  # what is true when no step runs, until the lab says otherwise
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
                yield Text(one_line(self._how_far), no_wrap=True, overflow="ellipsis")

    def _count(self, event: Event) -> None:
        if event.kind is Kind.FINDING and event.outcome != State.UNRESOLVED:
            return  # a cure that is applied or planned has its own event
        words = {Kind.FINDING: "unresolved", Kind.CURED: "cured", Kind.CHECKED: "checks", Kind.INJECTED: "injected"}
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
        self._console.print(shown(at + " ".join(text.splitlines())), soft_wrap=True)

    def _table(self, ascii_only: bool) -> Table:
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        table.add_column("", style="bold", no_wrap=True)
        moves = {move.name: move.service for move in self._plan.moves}
        servers = {move.name for move in self._plan.servers}
        columns = list(self._columns())
        if len(columns) > MOST_COLUMNS:
            return self._long_table(ascii_only)
        for name in columns:
            table.add_column(name, min_width=10, no_wrap=True)
        for chain in self._plan.chains:
            cells = [
                self._cell(name, ascii_only)
                if name in servers or moves.get(name) == chain.service
                else Text("")
                if name in moves
                else self._cell(f"{name}/{chain.service}", ascii_only)
                for name in columns
            ]
            table.add_row(chain.service, *cells)
        return table

    def _columns(self) -> Iterator[str]:
        """The releases to which hops lead, each followed by the moves that are made at it."""
        for release in self._plan.releases:
            if release is not self._plan.first:
                yield release.name
            yield from (move.name for move in self._plan.moves if move.release == release.name)
            yield from (move.name for move in self._plan.servers if move.release == release.name)

    def _long_table(self, ascii_only: bool) -> Table:
        """Of a long route: how many hops each chain has done, and its newest one."""
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for name in ("", "hops", "newest", ""):
            table.add_column(name, no_wrap=True)
        for chain in self._plan.chains:
            steps = list(chain.steps)
            steps += [f.name for f in (self._plan.finish,) if f and f.service == chain.service]
            begun = [step for step in steps if step in self._cells]
            done = sum(bool(self._cells[step].outcome) for step in begun)
            newest = begun[-1] if begun else ""
            name = newest.partition("/")[0]
            table.add_row(Text(chain.service, "bold"), f"{done} of {len(steps)}", name, self._cell(newest, ascii_only))
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
        parts = [duration(gone), counted(len(self._plan.steps), "{done} of {n} step[s]", done=done), counts]
        if self._expected and self._live and self._live.is_started:
            left = self._expected - gone
            parts.insert(1, f"about {duration(left)} left" if left > 0 else f"{duration(self._expected)} is usual")
        if not any(cell.outcome == "" for cell in self._cells.values()):
            parts.append(one_line(" ".join(self._now.split())))
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
            SpinnerColumn(table_column=whole()),
            MofNCompleteColumn(table_column=whole()),
            BarColumn(24, table_column=whole()),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True, table_column=whole()),
            Words(),
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
            self._print(shown(text))
        else:
            self._progress.update(self._task, description=one_line(" ".join(text.split())))

    def on_report(self, report: ScenarioReport) -> None:
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
            self._print(shown(f"       {report.skipped}"))
        for lane in report.lanes:
            for problem in lane.problems:
                self._print(shown(f"       {lane.lane}: {problem}"))

    def _print(self, line: Text) -> None:
        if not self._quiet:
            self._console.print(line, soft_wrap=True)
