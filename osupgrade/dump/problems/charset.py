"""Text that is not in the character set that the dump says."""

from __future__ import annotations

from osupgrade.dump.problems.problem import Problem
from osupgrade.dump.seen import Seen


def unsaid(seen: Seen, name: str) -> Problem | None:
    """Whether there is text that is not UTF-8 and no word on its character set."""
    if seen.charset or not seen.bad_utf8:
        return None
    return Problem(
        f"{name} has text that is not UTF-8 (line {seen.bad_utf8}) but does not say its character set (no SET NAMES)",
        "if it is restored with the wrong one, names and descriptions are garbled",
        "take the dump without --skip-set-charset, --skip-opt or --compatible, or add its character set before "
        "its first line: `SET NAMES latin1;`",
    )


def assumed(seen: Seen, name: str) -> Problem | None:
    """Text beyond ASCII that says nothing of its character set, and can be read as UTF-8 alone."""
    if seen.charset or seen.ascii or seen.bad_utf8:
        return None
    return Problem(
        f"{name} does not say its character set (no SET NAMES); its text is UTF-8 and is restored as that", ""
    )


def other(seen: Seen, name: str) -> Problem | None:
    """Whether the text cannot be in the character set that the dump says."""
    if not (seen.charset.startswith("utf8") and seen.bad_utf8) or seen.binary_columns:
        return None
    return Problem(
        f"{name} says SET NAMES {seen.charset}, but line {seen.bad_utf8} is not UTF-8",
        "MySQL would silently truncate each such text at its first invalid byte",
        "the file was converted, or dumped with a different --default-character-set: take the dump again",
    )


def binary(seen: Seen, name: str) -> Problem | None:
    """Bytes that are not UTF-8 where a column may hold them."""
    if not (seen.charset.startswith("utf8") and seen.bad_utf8 and seen.binary_columns):
        return None
    return Problem(
        f"line {seen.bad_utf8} of {name} is not UTF-8",
        "binary columns may contain such bytes; text columns may not (mysqldump --hex-blob keeps them apart)",
    )
