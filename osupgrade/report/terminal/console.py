"""The console: text of a dump is shown on it as it is, and neither the terminal nor rich takes any of it for a command.

Colour is rich's business, which honours ``NO_COLOR``; no meaning hangs on colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import ProgressColumn, Task
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from osupgrade.model.finding import Severity
from osupgrade.model.quoting import visible

SEVERITIES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
"""The styles of findings."""
_WIDE = 160
"""Columns of a table that goes to a file or a pipe."""


class _Console(Console):
    """A console on which no text holds a control character, whatever it was made of."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control is None and segment.text != (text := visible(segment.text)):
                segment = Segment(text, segment.style)
            yield segment


def terminal(
    *, stderr: bool = False, quiet: bool = False, file: IO[str] | None = None, width: int | None = None
) -> Console:
    """A console that takes no text for markup: what is not a ``Text`` is shown as it is, ``[red]`` included."""
    return _made(stderr=stderr, quiet=quiet, file=file, width=width)


def _made(**options: Any) -> Console:
    return _Console(markup=False, emoji=False, highlight=False, **options)


def shown(text: str, style: str = "") -> Text:
    """Any text, with every invisible character spelt out."""
    return Text(visible(text), style)


def table(*, header: bool = True) -> Table:
    """An empty table as all of ours look."""
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_header=header)


class Words(ProgressColumn):
    """The words beside a bar. Where a line ends they are cut, and nothing else if all others are :func:`whole`."""

    def render(self, task: Task) -> Text:
        """What is going on, in one line."""
        return Text(task.description, no_wrap=True, overflow="ellipsis")


def whole() -> Column:
    """A column of a line of progress that is never made narrower than what it shows."""
    return Column(no_wrap=True)


def print_table(table: Table, console: Console) -> None:
    """To a file or a pipe a table goes in its full width: those cannot be widened to read a cell."""
    if not console.is_terminal:
        console = _made(file=console.file, width=max(console.width, _WIDE), color_system=None)
    console.print(table)
