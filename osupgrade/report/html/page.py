"""``report.html``: one file that opens offline, for the operator the night before and for later readers.

It has no script and asks nothing of any network; a content policy in the page says so to the browser, since texts of
foreign dumps and logs are in it.
"""

from __future__ import annotations

from pathlib import Path

from osupgrade.model.findings import settled
from osupgrade.model.report import RunReport, State
from osupgrade.model.step import Outcome
from osupgrade.model.text import size
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
    travelled,
    versions_text,
)
from osupgrade.report.html.logs import Logs, lane_logs
from osupgrade.report.html.tables import night, tables
from osupgrade.report.html.text import page, stylesheet
from osupgrade.report.html.tiles import FATES, tiles
from osupgrade.report.html.timeline import timeline

_SLOW = 10
"""Migrations that are shown before one asks for all."""
_ALWAYS = ("report.json", "manifest.json", "junit.xml", "summary.md")
_FILES = (*_ALWAYS, "events.jsonl", "logs", "schema", "config", "lanes", "parts")


def write_html(report: RunReport, path: Path) -> None:
    """Write ``report`` to ``path``; logs are taken from the run directory in which ``path`` lies."""
    path.write_text(html(report, path.parent), "utf-8")


def html(report: RunReport, directory: Path) -> str:
    """The page; ``directory`` is the run directory with the logs."""
    logs = Logs(directory)
    result = report.result
    findings = settled(result.findings) if result else ()
    values = {
        "report": report,
        "good": report.exit_status == 0,
        "style": stylesheet(),
        "stops": _stops(report),
        "tiles": list(tiles(report)),
        "timeline": timeline(result) if result and result.steps else None,
        "unresolved": [found for found in findings if found.state is State.UNRESOLVED],
        "settled": [found for found in findings if found.state is not State.UNRESOLVED],
        "broken": broken_checks(result) if result else (),
        "missing": not_reached(result) if result else (),
        "night": night(report.parts) if report.parts else None,
        "own": [(one, FATES[one.fate]) for one in customised(report)],
        "exactness": exactness(report),
        "chains": by_service(result) if result else {},
        "tables": tables(report),
        "apis": by_question(report.api),
        "asked": releases_asked(report.api),
        "migrations": migrations_of(result) if result else (),
        "slow": _SLOW,
        "lane_logs": {lane.log: list(lane_logs(logs, lane)) for s in report.scenarios for lane in s.lanes if lane.log},
        "logs": [(step, logs.read(f"logs/{step.log}")) for step in result.steps if step.log] if result else [],
        "files": [name for name in _FILES if (directory / name).exists() or name in _ALWAYS],
        "travelled": travelled,
        "versions_text": versions_text,
        "downtime": downtime,
        "error_of": error_of,
        "cure_text": cure_text,
        "Outcome": Outcome,
        "State": State,
    }
    return page("report.html", values, {"between": between, "size": size, "stage": stage_in_words})


def _stops(report: RunReport) -> str:
    """The releases that the run went through; a nightly goes along several paths."""
    if report.parts:
        return ", ".join(dict.fromkeys(unit.split(" ", 1)[0] for unit in report.matrix)) or "several paths"
    lanes = [report.result] if report.result else [lane.result for s in report.scenarios for lane in s.lanes]
    steps = [step for lane in lanes if lane for step in lane.steps]
    releases = dict.fromkeys(step.release for step in steps if "/" in step.step)
    first = next((lane.path.split("-")[0] for lane in lanes if lane), "")
    moves: dict[str, dict[str, None]] = {}
    for step in steps:
        if "/" not in step.step:
            moves.setdefault(step.release, {})[step.step] = None
    # A release whose own tool makes a move, such as the one to ML2, is followed by it.
    stops = [stop for release in dict.fromkeys((first, *releases)) for stop in (release, *moves.get(release, ()))]
    return " → ".join(stops) if releases else first
