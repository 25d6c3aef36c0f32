"""Saying what a command is at and how far it is, where no table of steps moves."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from osupgrade.dump.read import Reading
from osupgrade.dump.sanitize import Told
from osupgrade.model.events import TELL_SECONDS
from osupgrade.model.quoting import one_line


@contextlib.contextmanager
def telling(console: Console) -> Iterator[Told]:
    """On a terminal one line that changes; elsewhere a line for each thing begun, and one every few seconds."""
    now, last = "", 0.0

    def text(what: str, how_far: str) -> str:
        return one_line(how_far if how_far.startswith(what) else f"{what}: {how_far}" if how_far else what)

    def plain(what: str, how_far: str) -> None:
        nonlocal now, last
        if what != now or time.monotonic() - last >= TELL_SECONDS:
            console.print(text(what, how_far), markup=False, soft_wrap=True)
            now, last = what, time.monotonic()

    if not console.is_terminal or console.is_dumb_terminal:
        yield plain
        return
    with console.status("") as status:
        yield lambda what, how_far: status.update(Text(text(what, how_far), no_wrap=True, overflow="ellipsis"))


def reading(told: Told) -> Reading:
    """How far the reading of dumps is, as one line of progress."""
    return lambda name, done, of: told("reading", f"{name}, {done / of:.0%}")
