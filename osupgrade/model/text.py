"""Times, sizes and counts in words."""

from __future__ import annotations

import re

_FORMS = re.compile(r"\[([\w' -]*)\|([\w' -]*)\]|\[(s)\]|\{(\w+)\}")
"""``[is|are]``, ``[s]`` and ``{name}``, all found in one pass: a value is put in as it is, whatever it contains."""


def duration(seconds: float) -> str:
    """A time as one reads it: ``0.4 s``, ``12.3 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60:02} min"


def size(count: float) -> str:
    """Bytes as one reads them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def counted(number: int, text: str, /, **values: object) -> str:
    """A sentence about a number of things: ``counted(1, "{n} table[s] [is|are] missing")`` is ``1 table is missing``.

    ``[one|many]`` becomes the form that fits the number, and ``[s]`` an ``s`` unless it is 1. ``{n}`` is the number and
    ``{name}`` one of ``values``; other names in braces stay as they are.
    """
    known = {"n": number, **values}

    def chosen(match: re.Match[str]) -> str:
        one, many, plural, name = match.groups()
        if name:
            return str(known.get(name, match[0]))
        if plural:
            return "" if number == 1 else plural
        return one if number == 1 else many

    return _FORMS.sub(chosen, text)
