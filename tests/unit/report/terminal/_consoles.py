"""Consoles whose output is read back."""

import io

from rich.console import Console


def console(*, terminal=False, width=100, **more):
    return Console(file=io.StringIO(), force_terminal=terminal, width=width, highlight=False, **more)


def printed(function, subject, **how):
    screen = console(**how)
    function(subject, screen)
    return screen.file.getvalue()
