"""Dumps that end too early."""

from __future__ import annotations

from osupgrade.dump.problems.problem import Problem
from osupgrade.dump.seen import ADMINER, NAVICAT, Seen

_ENDS = (b"*/", b"//")
_HOLD_DATA = (b"INSERT", b"REPLACE", b"CREATE", b"ALTER")


def truncated(seen: Seen, name: str) -> Problem | None:
    """Whether and how one sees that a dump was cut."""
    end = _end(seen)
    if not end:
        return None
    return Problem(
        f"{name} is truncated: {end}",
        "the tables and rows after that point are missing",
        "take the dump again and compare its size; a complete one ends with `-- Dump completed`",
    )


def hole(seen: Seen, name: str) -> Problem | None:
    """Whether NUL bytes replace text; dumpers write such a byte of a value as ``\\0``."""
    if not seen.hole:
        return None
    return Problem(
        f"{name} is damaged: line {seen.hole} holds NUL bytes, which no dump has",
        "a crash, a full disk or a broken copy left a hole in the file, and the data there is missing",
        "copy it again and compare checksums, or take the dump again",
    )


def _end(seen: Seen) -> str:
    """A dump that began with mysqldump's comments ends with one; one without comments still sets its settings back."""
    if seen.unended:
        return f"the last statement of {seen.unended} has no end"
    if len(seen.headers) > seen.completed:
        return "it begins as mysqldump writes it but does not end with `-- Dump completed`"
    if seen.tool.startswith(ADMINER) and not seen.completed:
        return "it begins as Adminer writes it but does not end with a comment of the time"
    if seen.keys_due:
        return f"it begins as {NAVICAT} writes it but does not end with `SET FOREIGN_KEY_CHECKS = 1`"
    if seen.unset_before:
        return f"the part before line {seen.unset_before} does not restore its settings, as a complete dump does"
    if seen.unset and not seen.completed:
        names = ", ".join(sorted(name.decode().removeprefix("OLD_") for name in seen.unset))
        return f"it does not restore {names} at its end, as a complete dump does"
    if seen.locked:
        return "it locks a table and does not unlock it"
    if seen.transaction:
        return "it begins a transaction and does not commit it"
    if seen.uncommitted:
        return "it switches autocommit off and does not commit its last rows"
    if unended(seen) and seen.last_verb in _HOLD_DATA:  # a client runs the last statement without its end, too
        return "its last statement has no end"
    return ""


def unended(seen: Seen) -> bool:
    """Whether the last statement lacks its delimiter."""
    last = seen.last.rstrip()
    return bool(last) and not last.endswith((seen.delimiter, *_ENDS))
