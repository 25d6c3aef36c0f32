"""How far something long is: drawn over on a terminal, few lines elsewhere."""

import io

from rich.console import Console

from osupgrade.cli.progress import telling

BAR = "restoring nova.sql, 25%: 512 of 2048 MB, 30.2 MB/s, 51 s left"


def test_a_terminal_shows_the_bar_as_it_is():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with telling(console) as told:
        told("restoring", BAR)
    assert BAR in console.file.getvalue()


def test_elsewhere_there_is_a_line_for_each_thing_begun():
    console = Console(file=io.StringIO(), width=40)
    with telling(console) as told:
        for _ in range(9):
            told("restoring", BAR)
        told("masking values", "1 of 9 columns")
        told("looking", "")
    assert console.file.getvalue().splitlines() == [BAR, "masking values: 1 of 9 columns", "looking"]
