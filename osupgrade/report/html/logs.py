"""Excerpts of logs for the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from osupgrade.model.report import LaneReport
from osupgrade.model.step import StepResult
from osupgrade.report.html.text import count

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# A report of 30 scenarios stays well under 2 MB: logs are the only part that grows without measure.
LOG = 24_000
_LANE_LOG = 5_000
_ALL_LOGS = 1_000_000


class Logs:
    """Excerpts of logs, within what one page may take."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._left = _ALL_LOGS

    def read(self, path: str, most: int = LOG) -> str:
        """The log's beginning and, larger, its end, where failures are; its path is below the run directory."""
        try:
            file = (self._directory / path).resolve()
            if not file.is_relative_to(self._directory.resolve()):  # a report from elsewhere may say anything
                raise FileNotFoundError
            text = file.read_text("utf-8", "replace")
        except (OSError, ValueError):
            return f"there is no log at {path}"
        text = _COLOUR.sub("", text.replace("\r\n", "\n")).strip("\n")
        most = min(most, self._left)
        if len(text) > most:
            lines = text.splitlines()
            head = _within(lines, most // 4)
            tail = _within(lines[len(head) :][::-1], most - most // 4)[::-1]
            gap = len(lines) - len(head) - len(tail)
            text = "\n".join((*head, f"… {count(gap)} lines are left out here; all of it: {path}", *tail))
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


def lane_logs(logs: Logs, lane: LaneReport) -> Iterator[tuple[StepResult, str]]:
    """The logs that matter of a lane: those of steps that failed."""
    for step in lane.result.failed:
        if step.log:
            yield step, logs.read(f"{lane.log}/logs/{step.log}", _LANE_LOG)
