"""What is printed is text, whatever a cloud put into it."""

import io

import pytest
from rich.table import Table

from osupgrade.report.terminal.console import print_table, shown, terminal


@pytest.mark.parametrize("text", ["[red]x[/]", ":smile:", "\x1b[31mx", "a\x07b", "\x1b]0;title\x07"])
@pytest.mark.parametrize("make", [str, shown, lambda text: row(text)], ids=["text", "shown", "table"])
def test_neither_rich_nor_the_terminal_obeys_a_text(text, make):
    out = io.StringIO()
    terminal(file=out, width=60).print(make(text))
    printed = out.getvalue()
    assert "\x1b" not in printed and "\x07" not in printed
    if make is shown:
        assert text.replace("\x1b", "\\x1b").replace("\x07", "\\x07") in printed
    assert "x" not in text or "x" in printed


def row(text):
    table = Table(box=None, show_header=False)
    table.add_row(text)
    return table


def test_a_table_in_a_file_is_as_wide_as_it_needs():
    out = io.StringIO()
    print_table(row("x" * 120), terminal(file=out, width=40))
    assert "x" * 120 in out.getvalue()
