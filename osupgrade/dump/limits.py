"""How much a dump or a scenario may make the lab do: one that is hostile or broken ends with a sentence, not never.

Every limit can be raised: ``OSUPGRADE_LIMITS="statement=3600 ratio=2000"`` changes two of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace

from osupgrade.model.errors import UsageFault

VARIABLE = "OSUPGRADE_LIMITS"


@dataclass(frozen=True)
class Limits:
    """The limits that hold while dumps are read, restored and looked at."""

    statement: float = 300
    """Seconds that one statement may run without the server getting more of the dump; ten times that for one that
    changes a table, such as adding an index."""
    query: float = 60
    """Seconds for one that a dump has no use for: SELECT, DO, CALL, INSERT ... SELECT. And seconds that a release's
    tool may be kept waiting by SLEEP or GET_LOCK."""
    ratio: float = 300
    """Bytes that one byte of a compressed file may become, on the whole, beyond the first gigabyte."""
    growth: float = 12
    """Bytes on the server that one byte of SQL may become, on the whole, beyond the first two gigabytes."""
    archive: float = 2
    """Gigabytes that an archive of ``reproduce`` may become when it is unpacked."""
    pipe: float = 200
    """Gigabytes that are read from a pipe."""
    look: float = 1800
    """Seconds that a preflight, an invariant or a scenario's check may look at the databases."""
    change: float = 36000
    """Seconds that a scenario's cure may change them."""
    step: float = 3600
    """Seconds that one statement of a release's tool may run, beside a second for each 20 kB of its databases."""


FREE = 1 << 30
"""Decompressed bytes for which :attr:`Limits.ratio` is not asked."""
ROOM = 2 << 30
"""Bytes on the server for which :attr:`Limits.growth` is not asked."""


def limits() -> Limits:
    """The limits with what the environment changes; raises UsageFault for what it cannot change."""
    known = {field.name for field in fields(Limits)}
    changed = {}
    for word in os.environ.get(VARIABLE, "").replace(",", " ").split():
        name, _, value = word.partition("=")
        try:
            changed[name] = float(value)
            if name not in known or not changed[name] > 0:
                raise ValueError(name)
        except ValueError as fault:
            raise UsageFault(
                f"{VARIABLE} must be NAME=NUMBER with one of {', '.join(sorted(known))}, not {word[:60]!r}"
            ) from fault
    return replace(Limits(), **changed)


def how_to_raise(name: str, wanted: float) -> str:
    """What to type to raise a limit."""
    return f"if this is expected, raise the limit: {VARIABLE}={name}={wanted:.0f}"
