"""What one sees on a terminal: a view while a command runs, and a verdict that fits on one screen."""

from __future__ import annotations

from osupgrade.report.terminal.console import print_table, shown, terminal
from osupgrade.report.terminal.live import LiveView, ScenarioView, live
from osupgrade.report.terminal.tables import api_table, comparison, matrix, parts_table
from osupgrade.report.terminal.verdict import verdict

__all__ = [
    "LiveView",
    "ScenarioView",
    "api_table",
    "comparison",
    "live",
    "matrix",
    "parts_table",
    "print_table",
    "shown",
    "terminal",
    "verdict",
]
