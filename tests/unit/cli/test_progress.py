"""How far something long is: drawn over on a terminal, few lines elsewhere."""

import io
import re

from rich.console import Console

from osupgrade.cli.progress import building, progress_shown
from osupgrade.dump.restore import Progress
from osupgrade.lab import images

BAR = "restoring nova.sql, 25%: 512 of 2048 MB, 30.2 MB/s, 51 s left"


def test_a_terminal_shows_the_bar_as_it_is():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with progress_shown(console) as on_progress:
        on_progress("restoring", BAR)
    assert BAR in console.file.getvalue()


def test_a_bar_is_drawn_where_the_end_is_known_and_nowhere_else():
    def shown(*steps):
        console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
        with progress_shown(console) as on_progress:
            for step in steps:
                on_progress(*step)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())

    assert "━" * 12 in shown(("restoring", BAR, 0.5))
    assert "━" not in shown(("looking", ""))
    assert "━" not in shown(("restoring", BAR, 0.5), ("looking", "")).splitlines()[-1]


def test_text_of_a_dump_is_no_markup():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with progress_shown(console) as on_progress:
        on_progress("reading", "[red]a[/].sql, 10%", 0.1)
    assert "[red]a[/].sql, 10%" in console.file.getvalue()


def test_how_far_a_restore_is_in_sizes_that_say_something():
    assert str(Progress("a.sql", 512, 2048, 400, 2.0)) == "restoring a.sql, 25%: 512 B of 2.0 KiB, 256 B/s, 6 s left"
    assert str(Progress("a.sql", 0, 0, 0, 0.0)) == "restoring a.sql, 100%: 0 B of 0 B, 0 B/s"


def test_elsewhere_there_is_a_line_for_each_thing_begun():
    console = Console(file=io.StringIO(), width=40)
    with progress_shown(console) as on_progress:
        for _ in range(9):
            on_progress("restoring", BAR)
        on_progress("masking values", "1 of 9 columns")
        on_progress("looking", "")
    assert console.file.getvalue().splitlines() == [BAR, "masking values: 1 of 9 columns", "looking"]


def test_each_image_has_a_line_and_the_ones_that_are_ready_stay():
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    with building(console) as drawn:
        drawn(images.Progress("nova", "6/9 RUN pip", "building", 30.0, 30.0, True))
        drawn(images.Progress("glance", "6/9 RUN pip", "building", 5.0, None, True))
        drawn(images.Progress("nova", "", "built", 61.0))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    assert "image nova: 6/9 RUN pip (30 s so far, about 30 s left)" in shown and "━" * 12 in shown
    assert "image nova: built in 61 s" in shown
    assert "glance" in shown


def test_elsewhere_everything_is_a_line():
    console = Console(file=io.StringIO(), width=100)
    with building(console) as drawn:
        drawn(images.Progress("nova", "6/9 RUN [pip]", "building", 30.0, 30.0, True))
    assert console.file.getvalue() == "image nova: 6/9 RUN [pip] (30 s so far, about 30 s left)\n"
