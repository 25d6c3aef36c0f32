"""``report.html``: one file that opens offline, for the operator the night before and for whoever reads it later.

It has no script and asks nothing of any network; a content policy in the page says so to the browser, since texts of
foreign dumps and logs stand in it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from osupgrade.model.errors import Exit
from osupgrade.model.finding import Fate, Severity
from osupgrade.model.findings import settled
from osupgrade.model.report import LaneReport, LaneResult, Part, RunReport, State
from osupgrade.model.step import Migration, Outcome, StepResult
from osupgrade.model.text import duration, size
from osupgrade.report.apis import by_question, releases_asked
from osupgrade.report.digest import (
    between,
    broken_checks,
    by_service,
    cure_text,
    customised,
    downtime,
    error_of,
    exactness,
    migrations_of,
    not_reached,
    stage_in_words,
    standing_at,
    travelled,
)

_TEMPLATES = Path(__file__).parent / "page"
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")

# A report of 30 scenarios stays well under 2 MB: logs are the only part that grows without measure.
_LOG = 24_000
_LANE_LOG = 5_000
_ALL_LOGS = 1_000_000
_SLOW = 10
"""Migrations that are shown before one asks for all."""


def write_html(report: RunReport, path: Path) -> None:
    """Write ``report`` to ``path``; logs are taken from the run directory in which ``path`` lies."""
    path.write_text(html(report, path.parent), "utf-8")


def html(report: RunReport, directory: Path) -> str:
    """The page; ``directory`` is the run directory with the logs."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        duration=duration,
        between=between,
        size=size,
        moment=_moment,
        count=_count,
        sentence=_sentence,
        code=_breakable,
        stage=stage_in_words,
    )
    logs = _Logs(directory)
    result = report.result
    findings = settled(result.findings) if result else ()
    return environment.get_template("report.html").render(
        report=report,
        good=report.exit_status == 0,
        style=Markup((_TEMPLATES / "report.css").read_text("utf-8")),
        stops=_stops(report),
        tiles=list(_tiles(report)),
        timeline=timeline(result) if result and result.steps else None,
        standing=[found for found in findings if found.state is State.STANDING],
        settled=[found for found in findings if found.state is not State.STANDING],
        broken=broken_checks(result) if result else (),
        missing=not_reached(result) if result else (),
        night=night(report.parts) if report.parts else None,
        own=[(one, _FATES[one.fate]) for one in customised(report)],
        exactness=exactness(report),
        chains=by_service(result) if result else {},
        tables=_tables(report),
        apis=by_question(report.api),
        asked=releases_asked(report.api),
        migrations=migrations_of(result) if result else (),
        slow=_SLOW,
        lane_logs={lane.log: list(_lane_logs(logs, lane)) for s in report.scenarios for lane in s.lanes if lane.log},
        logs=[(step, logs.read(Path("logs") / step.log, _LOG)) for step in result.steps if step.log] if result else [],
        files=[name for name in _FILES if (directory / name).exists() or name in _ALWAYS],
        travelled=travelled,
        standing_at=standing_at,
        downtime=downtime,
        error_of=error_of,
        cure_text=cure_text,
        Outcome=Outcome,
        State=State,
    )


_FATES = {
    Fate.IN_THE_WAY: "error",
    Fate.CONFLICT: "error",
    Fate.LOST: "warning",
    Fate.ALTERED: "warning",
    Fate.UPSTREAM: "good",
    Fate.KEPT: "good",
}
_ALWAYS = ("report.json", "manifest.json", "junit.xml", "summary.md")
_FILES = (*_ALWAYS, "events.jsonl", "logs", "schema", "config", "lanes", "parts")


@dataclass(frozen=True)
class Bar:
    """One step on the time line; ``left`` and ``width`` are parts of a hundred."""

    left: float
    width: float
    text: str
    title: str
    style: str
    fits: str
    """``wide`` when the text has room on a desk's screen, ``narrow`` when on a phone too, ``none`` when on neither."""


@dataclass(frozen=True)
class Mark:
    """One migration below its hop's bar; ``left`` and ``width`` are parts of a hundred."""

    left: float
    width: float
    title: str
    style: str


@dataclass(frozen=True)
class Row:
    """One chain on the time line."""

    service: str
    versions: str
    seconds: float
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Timeline:
    """Chains side by side on one scale; ``ticks`` are places and their times, ``legend`` names and their styles."""

    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    legend: tuple[tuple[str, str], ...]


def timeline(result: LaneResult) -> Timeline:
    """Where the steps stand on a common scale.

    A step without a known start follows the one before it in its chain; a finish waits for all of them.
    """
    starts = _starts(result)
    end = max(starts[step.step] + step.seconds for step in result.steps) or 1.0
    releases = list(dict.fromkeys(step.release for step in result.steps))
    missing = not_reached(result)
    rows = []
    for service, steps in by_service(result).items():
        bars = tuple(_bar(step, starts[step.step], end, releases.index(step.release)) for step in steps)
        marks = tuple(_mark(m, starts[step.step], end, n) for step in steps for n, m in enumerate(step.migrations))
        left = tuple(hop.partition("/")[0] for hop in missing if hop.endswith(f"/{service}"))
        rows.append(Row(service, travelled(steps), sum(step.seconds for step in steps), bars, marks, left))
    ticks = tuple((round(100 * at / end, 2), duration(at).replace(".0 s", " s")) for at in _ticks(end))
    legend = {step.step.partition("/")[0]: _style(step, releases.index(step.release)) for step in result.steps}
    failed = (("failed", "failed"),) if result.failed else ()
    return Timeline(tuple(rows), ticks, (*legend.items(), *failed))


def _style(step: StepResult, release: int) -> str:
    return f"hop{release % 2}" if "/" in step.step else "finish"


def _bar(step: StepResult, start: float, end: float, release: int) -> Bar:
    text = f"{step.step.partition('/')[0]} {duration(step.seconds)}"
    width = max(0.4, 100 * step.seconds / end)
    needs = len(text) * 6.6 + 14  # pixels in the page's font
    before, after = (standing_at(v, step.service) for v in (step.versions_before, step.versions_after))
    return Bar(
        left=round(100 * start / end, 2),
        width=round(width, 2),
        text=text,
        title=f"{step.step}: {step.outcome.value} after {duration(step.seconds)}, {before} → {after}",
        style=_style(step, release) if step.outcome is Outcome.PASSED else step.outcome.value,
        fits="narrow" if width * 3.0 > needs else "wide" if width * 6.6 > needs else "none",
    )


def _mark(migration: Migration, start: float, end: float, number: int) -> Mark:
    told = f"{migration.name}: {duration(migration.seconds)}, {_count(migration.statements)} statements"
    return Mark(
        left=round(100 * (start + migration.started) / end, 3),
        width=round(max(0.1, 100 * migration.seconds / end), 3),
        title=told if migration.finished else f"{told}, not finished",
        style=f"mark{number % 2}" if migration.finished else "failed",
    )


def _starts(result: LaneResult) -> Mapping[str, float]:
    starts: dict[str, float] = {}
    free: dict[str, float] = {}
    for step in result.steps:
        follows = free.get(step.service, 0.0) if "/" in step.step else max(free.values(), default=0.0)
        starts[step.step] = follows if step.started is None else step.started
        free[step.service] = starts[step.step] + step.seconds
    return starts


def _ticks(end: float) -> Iterator[float]:
    for unit in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200):
        if end / unit <= 6:
            break
    at = 0.0
    while at < end * 0.97:
        yield round(at, 1)
        at += unit


@dataclass(frozen=True)
class Tile:
    """One number of the head of the page."""

    label: str
    value: str
    style: str
    anchor: str


def _tiles(report: RunReport) -> Iterator[Tile]:
    result = report.result
    if result and result.steps:
        passed = sum(step.outcome is not Outcome.FAILED for step in result.steps)
        total = len(result.steps) + len(not_reached(result))
        yield Tile("steps passed", f"{passed} of {total}", "good" if passed == total else "bad", "time-line")
    if result:
        findings = settled(result.findings)
        standing = [f.finding.severity for f in findings if f.state is State.STANDING]
        errors, warnings = standing.count(Severity.ERROR), standing.count(Severity.WARNING)
        yield Tile("errors stand", str(errors), "bad" if errors else "good", "findings")
        yield Tile("warnings stand", str(warnings), "warn" if warnings else "good", "findings")
        cured = sum(f.state is State.CURED for f in findings)
        if cured:
            yield Tile("cured", str(cured), "good", "findings")
        if result.checked:
            broken = len(broken_checks(result))
            value = f"{len(result.checked) - broken} of {len(result.checked)}"
            yield Tile("invariants hold", value, "bad" if broken else "good", "invariants")
    own = customised(report)
    if own:
        safe = sum(_FATES[one.fate] == "good" for one in own)
        yield Tile("of yours kept", f"{safe} of {len(own)}", "good" if safe == len(own) else "warn", "customisations")
    if report.api:
        answered = sum(call.ok for call in report.api)
        style = "good" if answered == len(report.api) else "bad"
        yield Tile("APIs answer right", f"{answered} of {len(report.api)}", style, "apis")
    if report.parts:
        good = sum(part.exit_status == Exit.CAME_THROUGH for part in report.parts)
        absent = sum(part.exit_status == Exit.MISSING for part in report.parts)
        style = "good" if good == len(report.parts) else "warn" if good + absent == len(report.parts) else "bad"
        yield Tile("parts came through", f"{good} of {len(report.parts)}", style, "parts")
        if absent:
            yield Tile("parts not run", str(absent), "warn", "parts")
        ran = [scenario for part in report.parts if part.report for scenario in part.report.scenarios]
        if ran:
            passed = sum(scenario.passed for scenario in ran)
            style = "good" if passed == len(ran) else "bad"
            yield Tile("scenarios as stated", f"{passed} of {len(ran)}", style, "matrix")
    if report.scenarios:
        passed = sum(scenario.passed for scenario in report.scenarios)
        style = "good" if passed == len(report.scenarios) else "bad"
        yield Tile("scenarios as stated", f"{passed} of {len(report.scenarios)}", style, "scenarios")
    yield Tile("time taken", duration(report.seconds), "", "manifest")


def _stops(report: RunReport) -> str:
    """The releases that the run went through; a nightly goes along several paths."""
    if report.parts:
        return ", ".join(dict.fromkeys(unit.split(" ", 1)[0] for unit in report.matrix)) or "several paths"
    lanes = [report.result] if report.result else [lane.result for s in report.scenarios for lane in s.lanes]
    steps = [step for lane in lanes if lane for step in lane.steps]
    releases = dict.fromkeys(step.release for step in steps if "/" in step.step)
    finishes = dict.fromkeys(step.step for step in steps if "/" not in step.step)
    first = next((lane.path.split("-")[0] for lane in lanes if lane), "")
    return " → ".join(dict.fromkeys((first, *releases, *finishes))) if releases else first


@dataclass(frozen=True)
class Table:
    """A table of the cloud before and after; None where it does not exist."""

    name: str
    rows: tuple[int | None, int | None]
    bytes: tuple[int | None, int | None]
    unscaled: int | None = None
    """Rows before ``--scale`` multiplied the cloud."""

    @property
    def change(self) -> str:
        """What became of it, in words."""
        before, after = self.rows
        if before is None:
            return "new"
        if after is None:
            return "gone"
        return "" if before == after else f"{after - before:+,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


@dataclass(frozen=True)
class Tables:
    """All tables: those whose rows changed, the empty ones that were made or dropped, and the others."""

    changed: tuple[Table, ...]
    empty: tuple[Table, ...]
    same: tuple[Table, ...]


def _tables(report: RunReport) -> Tables:
    names = sorted(report.rows.keys() | report.sizes.keys())
    tables = [
        Table(
            name,
            (report.rows.get(name, {}).get("seeded"), report.rows.get(name, {}).get("verify")),
            (report.sizes.get(name, {}).get("seeded"), report.sizes.get(name, {}).get("verify")),
            report.rows.get(name, {}).get("unscaled"),
        )
        for name in names
    ]
    return Tables(
        changed=tuple(table for table in tables if table.change and any(table.rows)),
        empty=tuple(table for table in tables if table.change and not any(table.rows)),
        same=tuple(table for table in tables if not table.change),
    )


@dataclass(frozen=True)
class Square:
    """How a scenario's two lanes went in one place; None for a lane that was not run there."""

    place: str
    good: tuple[bool | None, bool | None]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Night:
    """A nightly: the places (path and database) at which scenarios ran, and every scenario's outcome at each."""

    places: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Square, ...]], ...]
    """Scenarios by name; those that something is wrong with come first."""


def night(parts: Sequence[Part]) -> Night:
    """The scenario matrix of a nightly's parts."""
    squares: dict[str, dict[str, Square]] = {}
    for part in parts:
        place = part.name.removesuffix(" scenarios")
        for scenario in part.report.scenarios if part.report else ():
            lanes = {lane.lane: lane for lane in scenario.lanes}
            naive, cured = (not lanes[name].problems if name in lanes else None for name in ("naive", "cured"))
            wrong = tuple(f"{lane.lane}: {problem}" for lane in scenario.lanes for problem in lane.problems)
            squares.setdefault(scenario.name, {})[place] = Square(place, (naive, cured), wrong)
    places = tuple(dict.fromkeys(place for row in squares.values() for place in row))
    nothing = (None, None)
    rows = [
        (name, tuple(row.get(place, Square(place, nothing, ())) for place in places)) for name, row in squares.items()
    ]
    rows.sort(key=lambda row: (not any(square.problems for square in row[1]), row[0]))
    return Night(places, tuple(rows))


class _Logs:
    """Excerpts of logs, within what one page may take."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._left = _ALL_LOGS

    def read(self, path: Path, most: int) -> str:
        """The log's beginning and, larger, its end, where a failure is told."""
        try:
            text = (self._directory / path).read_text("utf-8", "replace")
        except OSError:
            return f"there is no log at {path}"
        text = _ANSI.sub("", text.replace("\r\n", "\n")).strip("\n")
        most = min(most, self._left)
        if len(text) > most:
            lines = text.splitlines()
            head = _within(lines, most // 4)
            tail = _within(lines[len(head) :][::-1], most - most // 4)[::-1]
            gap = len(lines) - len(head) - len(tail)
            text = "\n".join((*head, f"… {_count(gap)} lines are left out here; all of it: {path}", *tail))
        self._left = max(0, self._left - len(text))
        return text


def _within(lines: Sequence[str], most: int) -> list[str]:
    taken: list[str] = []
    for line in lines:
        most -= len(line) + 1
        if most < 0:
            break
        taken.append(line)
    return taken


def _lane_logs(logs: _Logs, lane: LaneReport) -> Iterator[tuple[StepResult, str]]:
    """The logs that matter of a lane: those of steps that failed."""
    for step in lane.result.failed:
        if step.log:
            yield step, logs.read(Path(lane.log) / "logs" / step.log, _LANE_LOG)


def _moment(text: str) -> str:
    try:
        return datetime.datetime.fromisoformat(text).strftime("%d %b %Y, %H:%M UTC")
    except ValueError:
        return text


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _sentence(text: str) -> Markup:
    """A message as a sentence; what stands in backticks is code."""
    text = text.strip()
    if text and not text.endswith((".", "!", "?", ":")):
        text += "."
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(Markup.escape(text[:1].upper() + text[1:]))))


def _breakable(text: str) -> Markup:
    """A name that may be broken after its underscores, dots and slashes, so that a phone can show it."""
    return Markup(re.sub(r"([_./:,-])(?=\w)", r"\1<wbr>", str(Markup.escape(text))))
