"""Judging a hop: by the version table, the schema and the exit status together, never by one of them alone.

A tool may reach its head and then exit 1 (an old kombu did that to Havana's nova-manage), exit 0 on a database that is
newer than itself, or stop half-way and leave the version where it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from osupgrade.model import Database, Diagnosis

Versions = Mapping[str, tuple[str, ...]]

_ERROR = re.compile(
    r"^(?:.*?\bCRITICAL\b[^:]*?\s)?(?P<error>"
    r"(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Conflict|Exit|Failed|NotFound|Fault)\b.*"
    r"|KeyError: .*|FAILED: .*|Conflict: .*)$"
)
_STATEMENT = re.compile(r"^\[SQL: (.*?)\]?$|'((?:\\n|\s)*(?:ALTER|CREATE|DROP|INSERT|UPDATE|DELETE|SELECT)\b.*?)' \(\)")
_ALEMBIC = re.compile(r"Running upgrade (\S+) -> (\S+?)(?:,|$)")
_SCRIPT = re.compile(r"/versions/(\w+?)\.py\"")


def judge(
    databases: Sequence[Database],
    after: Versions,
    statuses: Sequence[tuple[str, int, tuple[int, ...]]],
    missing_tables: Sequence[str] = (),
) -> tuple[str, ...]:
    """The problems of a hop; none means that it passed.

    ``statuses`` has each call's name, its exit status and those that count as success. ``missing_tables`` are tables
    that the release has and the database does not.
    """
    problems = [f"`{name}` exited {status}" for name, status, accepted in statuses if status not in accepted]
    for database in databases:
        found = after.get(database.name, ())
        if found != database.head:
            problems.append(
                f"{database.name} stands at {_revisions(found)}, the release's head is {_revisions(database.head)}"
            )
    if missing_tables:
        problems.append(f"tables that the release has are missing: {', '.join(missing_tables)}")
    return tuple(problems)


def diagnose(log: str) -> Diagnosis | None:
    """What a tool's log says about its failure; None when it names no error."""
    error = statement = None
    revision = None
    for line in log.splitlines():
        if match := _ALEMBIC.search(line):
            revision = match[2]
        elif match := _SCRIPT.search(line):
            revision = match[1]
        if match := _ERROR.match(line.strip()):
            error = match["error"].strip()
            if found := _STATEMENT.search(error):
                statement = " ".join((found[1] or found[2]).replace("\\n", " ").replace("\\t", " ").split())
    if error is None:
        return None
    return Diagnosis(error, statement, revision)


def _revisions(found: Sequence[str]) -> str:
    return ", ".join(found) if found else "no revision"
