"""Rows without tables, tables without rows, and statements that are left out."""

from __future__ import annotations

from osupgrade.dump.problems.problem import SCHEMA_ONLY, Problem
from osupgrade.dump.seen import Seen
from osupgrade.model.text import counted


def without_tables(seen: Seen, name: str) -> Problem | None:
    """Whether rows have no tables to go into."""
    if seen.tables:
        return None
    return Problem(
        f"{name} has rows but no tables" if seen.rows else f"{name} has no tables",
        "there are no tables for the rows" if seen.rows else "there is nothing to restore",
        "take the dump without --no-create-info, or also give the file with the tables",
    )


def schema_alone(seen: Seen, name: str) -> Problem | None:
    """Whether there are tables alone."""
    return None if seen.rows else Problem(f"{name} holds no rows", SCHEMA_ONLY)


def accounts(seen: Seen, name: str) -> Problem | None:
    """Statements about accounts, which are left out."""
    return _left_out(seen.accounts, name, "accounts and their rights", "a rehearsal uses its own accounts")


def replication(seen: Seen, name: str) -> Problem | None:
    """Statements about replication, which are left out."""
    return _left_out(seen.replication, name, "replication", "a rehearsal does not replicate")


def server_wide(seen: Seen, name: str) -> Problem | None:
    """Statements about the whole server, which are left out."""
    return _left_out(seen.server_wide, name, "the whole server", "osupgrade survey collects its settings")


def _left_out(count: int, name: str, about: str, hint: str) -> Problem | None:
    if not count:
        return None
    return Problem(
        counted(count, "{n} statement[s] in {name} about {about} [is|are] left out", name=name, about=about), hint
    )
