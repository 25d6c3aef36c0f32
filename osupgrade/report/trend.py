"""``trend.html``: how long runs, steps and migrations took over time, and when rows changed. One file, no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from osupgrade.history.trend import Series, Trend
from osupgrade.model.quoting import one_line
from osupgrade.model.text import counted, duration
from osupgrade.report.html.text import page, stylesheet
from osupgrade.report.terminal.console import print_table, shown
from osupgrade.report.terminal.console import table as empty_table

_NEWEST = 60
"""Runs that one chart shows."""
_PARTS = 40
"""Steps and migrations that one path shows."""


@dataclass(frozen=True)
class Mark:
    """One run on a chart; places are parts of a hundred, from the left and from the top."""

    x: float
    y: float
    style: str
    title: str


@dataclass(frozen=True)
class Chart:
    """A series as it is drawn; ``line`` are the points of a polyline, ``limit`` the height of the usual limit."""

    marks: tuple[Mark, ...]
    line: str
    limit: float | None
    says: str


def chart(series: Series) -> Chart:
    """Where the newest runs of a series are, on a scale from nothing to the longest."""
    points = series.points[-_NEWEST:]
    top = max([*(p.seconds for p in points), series.most or 0.0]) * 1.08 or 1.0
    step = 96 / max(1, len(points) - 1)
    marks = tuple(
        Mark(
            x=round(2 + step * number if len(points) > 1 else 50, 2),
            y=round(100 * (1 - point.seconds / top), 2),
            style="good" if point.green else "bad",
            title=f"{point.started.replace('T', ' ')[:16]}: {duration(point.seconds)}{'' if point.green else ', red'}",
        )
        for number, point in enumerate(points)
    )
    most = f", limit {duration(series.most)}" if series.most else ""
    return Chart(
        marks=marks,
        line=" ".join(f"{mark.x},{mark.y}" for mark in marks),
        limit=round(100 * (1 - series.most / top), 2) if series.most else None,
        says=f"{series.name}: {counted(len(series.points), '{n} run[s]')}, median {duration(series.median)}, "
        f"last {duration(series.last.seconds)}{most}",
    )


def trend_html(trends: Sequence[Trend]) -> str:
    """The page."""
    values = {
        "style": stylesheet(),
        "whole": [trend for trend in trends if "/" not in trend.subject],
        "lanes": [trend for trend in trends if "/" in trend.subject],
        "most": _PARTS,
    }
    return page("trend.html", values, {"chart": chart})


def trend_table(trends: Sequence[Trend], console: Console) -> None:
    """The same as a table: each path's runs, and what was slow or changed in the last one."""
    table = empty_table()
    for name, justify in (("what", "left"), ("runs", "right"), ("green", "right"), ("usual", "right")):
        table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=name != "what")
    for name in ("last", "limit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("to look at", overflow="fold")
    for trend in trends:
        whole = trend.whole
        slow = [series.name for series in (whole, *trend.parts) if series.beyond]
        notes = [f"slow: {', '.join(slow)}"] if slow else []
        notes += [f"{change.started[:10]} {change.message}" for change in trend.changes[-2:]]
        table.add_row(
            shown(one_line(trend.title)),
            str(len(whole.points)),
            str(sum(point.green for point in whole.points)),
            duration(whole.median),
            Text(duration(whole.last.seconds), style="" if whole.last.green else "bold red"),
            duration(whole.most) if whole.most else "–",
            shown("\n".join(notes), style="yellow"),
        )
    print_table(table, console)
