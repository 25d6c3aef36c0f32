"""Finding what went wrong in a service's log, without I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_START = "Traceback (most recent call last):"
_PREFIX = re.compile(r"^\d{4}-\d\d-\d\d \S+ \d+ (?:TRACE|ERROR|CRITICAL|WARNING) \S+ (?:\[[^\]]*\] ?)?")


@dataclass(frozen=True)
class Traceback:
    """An error that was raised in a service: its last line, where it was raised, and how often it is in the log."""

    error: str
    place: str
    count: int


def bare(log: str) -> str:
    """A log without the prefix that oslo puts before each line of a traceback."""
    return "\n".join(_PREFIX.sub("", line) for line in log.splitlines())


def tracebacks(log: str, expected: Iterable[str] = ()) -> tuple[Traceback, ...]:
    """The tracebacks of a log, the same ones together, but for those whose error ``expected`` (expressions) names."""
    known = [re.compile(expression) for expression in expected]
    found: dict[tuple[str, str], int] = {}
    place = ""
    inside = False
    for raw in log.splitlines():
        line = _PREFIX.sub("", raw)
        if line.strip().endswith(_START):
            inside, place = True, ""
        elif inside and line.startswith("  "):
            if line.startswith('  File "'):
                place = line.strip()
        elif inside and line.strip():
            inside = False
            error = line.strip()
            if not any(expression.search(error) for expression in known):
                found[error[:400], place] = found.get((error[:400], place), 0) + 1
    return tuple(Traceback(error, where, count) for (error, where), count in found.items())
