"""Dumps without the lines that let tables with foreign keys come in alphabetical order."""

from __future__ import annotations

from osupgrade.dump.problems.problem import Problem
from osupgrade.dump.seen import Seen


def stripped(seen: Seen, name: str) -> Problem | None:
    """Whether executable comments are gone that the dump needs.

    Foreign keys that are added when all tables are there need none, and neither do tables in the order of their keys.
    """
    if not seen.tables or seen.keys_off_first:
        return None
    by_mysqldump = bool(seen.headers or seen.completed)
    unordered = bool(seen.missing[0]) and not seen.keys_off
    if not unordered and not (by_mysqldump and not seen.executable and not seen.unset and not seen.keys_off):
        return None
    lost = "all" if not seen.executable else "some"
    key = f" (the key of {seen.missing[0]} to {seen.missing[1]} is one)" if unordered else ""
    return Problem(
        f"{name} has lost its executable comments: {lost} of the /*! */ lines that mysqldump writes are missing, "
        "including FOREIGN_KEY_CHECKS=0",
        f"MySQL rejects the first table whose foreign key refers to a later one{key} (error 1215); character set, "
        "time zone and ids of 0 would be lost as well",
        "take the dump again without --compact and without filters such as `grep -v '^/\\*!'`",
    )
