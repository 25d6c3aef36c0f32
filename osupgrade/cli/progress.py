"""Saying what a command is at and how far it is, where no table of steps moves."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TaskID, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.progress_bar import ProgressBar
from rich.text import Text

from osupgrade.dump.read import Reading
from osupgrade.dump.sanitize import OnProgress
from osupgrade.lab.images import Progress
from osupgrade.model.events import TELL_SECONDS
from osupgrade.model.quoting import one_line
from osupgrade.report.terminal.console import Words, whole


@contextlib.contextmanager
def progress_shown(console: Console) -> Iterator[OnProgress]:
    """On a terminal one line that changes, with a bar where the end is known; elsewhere a line for each thing begun,
    and one every few seconds.
    """
    now, last = "", 0.0

    def text(what: str, how_far: str) -> str:
        return one_line(how_far if how_far.startswith(what) else f"{what}: {how_far}" if how_far else what)

    def plain(what: str, how_far: str, _share: float | None = None) -> None:
        nonlocal now, last
        if what != now or time.monotonic() - last >= TELL_SECONDS:
            console.print(text(what, how_far), markup=False, soft_wrap=True)
            now, last = what, time.monotonic()

    if _is_plain(console):
        yield plain
        return
    with _bars(console) as bars:
        task = bars.add_task("", total=1.0, known=False)

        def drawn(what: str, how_far: str, share: float | None = None) -> None:
            bars.update(task, description=text(what, how_far), completed=share or 0.0, known=share is not None)

        yield drawn


@contextlib.contextmanager
def building(console: Console) -> Iterator[Callable[[Progress], None]]:
    """On a terminal a line for each image that is being built, with a bar where its last build's time is known, and a
    line that stays for each that is ready; elsewhere a line for every message.
    """

    def plain(progress: Progress) -> None:
        console.print(one_line(str(progress)), markup=False, soft_wrap=True)

    if _is_plain(console):
        yield plain
        return
    with _bars(console, TimeElapsedColumn(table_column=whole())) as bars:
        tasks: dict[str, TaskID] = {}

        def drawn(progress: Progress) -> None:
            if progress.state != "building":
                if progress.image in tasks:
                    bars.remove_task(tasks.pop(progress.image))
                plain(progress)
                return
            if progress.image not in tasks:
                tasks[progress.image] = bars.add_task("", total=1.0, known=False)
            known = progress.share is not None
            bars.update(
                tasks[progress.image], description=one_line(str(progress)), completed=progress.share or 0.0, known=known
            )

        yield drawn


def _is_plain(console: Console) -> bool:
    """Whether nothing can be drawn over there."""
    return not console.is_terminal or console.is_dumb_terminal


def _bars(console: Console, *more: ProgressColumn) -> RichProgress:
    """Lines that are drawn over and go at the end: a bar, what else is wanted, and words that are never wrapped."""
    return RichProgress(SpinnerColumn(table_column=whole()), _Bar(24), *more, Words(), console=console, transient=True)


class _Bar(BarColumn):
    """A bar for what has an end; nothing for what has none, where others would pulse."""

    def __init__(self, width: int) -> None:
        super().__init__(width, table_column=whole())

    def render(self, task: Task) -> ProgressBar | Text:  # type: ignore[override]
        return super().render(task) if task.fields["known"] else Text()


def reading(on_progress: OnProgress) -> Reading:
    """How far the reading of dumps is, as one line of progress."""
    return lambda name, done, of: on_progress("reading", f"{name}, {done / of:.0%}", done / of)
