"""Judging a hop: by the version table, the schema and the exit status together, never by one of them alone.

A tool may reach its head and then exit 1 (an old kombu did that to Havana's nova-manage), exit 0 on a database that is
newer than itself, or stop halfway and leave the version where it was.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence

from osupgrade.catalog.revisions import marked
from osupgrade.model.release import Database
from osupgrade.model.step import Diagnosis

Versions = Mapping[str, tuple[str, ...]]

_ERROR = re.compile(
    r"^(?:.*?\bCRITICAL\b[^:]*?\s)?(?P<error>"
    r"(?:[A-Za-z_][\w.]*\.)?(?:[A-Z]\w*)?(?:Error|Exception|Conflict|Exit|Failed|NotFound|Fault)\b.*"
    r"|KeyError: .*|FAILED: .*|Conflict: .*)$"
)
_STATEMENT = re.compile(r"^\[SQL: (.*?)\]?$|'((?:\\n|\s)*(?:ALTER|CREATE|DROP|INSERT|UPDATE|DELETE|SELECT)\b.*?)' \(\)")
_RESULT = re.compile(r"Check: (.*?) Result: (\w+) Details: (.*?)\s*\Z")
_CODES = ("Success", "Warning", "Failure")
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
                f"{database.name} is at {_revisions(found)}, expected {_revisions(database.head)}, the release's head"
            )
    if missing_tables:
        problems.append(f"tables that the release has are missing: {', '.join(missing_tables)}")
    return tuple(problems)


def judge_start(databases: Sequence[Database], before: Versions, release: str) -> tuple[str, ...]:
    """The problems with where a hop began: it must begin at the head of the release before it.

    Some tools exit 0 on a database that skipped a release (Caracal to Gazpacho does), and end at the right revision.
    """
    return tuple(
        f"{database.name} was at {_revisions(before[database.name])} before, "
        f"expected {_revisions(database.head)}, the head of {release}"
        for database in databases
        if database.name in before and marked(database.name, before[database.name]) != tuple(database.head)
    )


def judge_work(name: str, output: str, unfinished: Sequence[str]) -> tuple[str, ...]:
    """The problems that a tool reports although it exited 0: lines that match a pattern of ``unfinished``."""
    lines = [line.strip() for line in output.splitlines() for pattern in unfinished if re.search(pattern, line)]
    return tuple(f"`{name}` left work undone: {line}" for line in dict.fromkeys(lines))


def judge_check(
    name: str, status: int, accepted: Sequence[int], output: str, ignores: Sequence[str]
) -> tuple[str, ...]:
    """The problems that a service's own upgrade check reports; none means that it passed.

    It exits with the worst of its results: 0 success, 1 warning, 2 failure; 255 is its own crash (oslo.upgradecheck).
    ``ignores`` names results that do not count here, so a 2 is judged by the results that it printed.
    """
    if status in accepted:
        return ()
    results = check_results(output)
    failed = [f"{name}: {check}: {details}" for check, result, details in results if result == "Failure"]
    if status != 2 or not failed:
        return (f"`{name}` exited {status}",)
    return tuple(problem for problem in failed if not problem.startswith(tuple(f"{name}: {i}: " for i in ignores)))


def check_results(output: str) -> tuple[tuple[str, str, str], ...]:
    """The results of an upgrade check: name, Success, Warning or Failure, details.

    Read from the JSON that it prints with ``--json`` (oslo.upgradecheck 0.3, so from Train on), else from its table.
    """
    for line in output.splitlines():  # others are the logs of the libraries
        with contextlib.suppress(ValueError, LookupError, TypeError):  # not an upgrade check's document
            document = json.loads(line) if line.startswith("{") else None
            if isinstance(document, dict) and "checks" in document:
                return tuple(
                    (str(one["check"]), _CODES[one["result"]], " ".join(str(one["details"]).split()))
                    for one in document["checks"]
                )
    cells = re.split(r"^\+-+\+\s*$", output, flags=re.MULTILINE)
    texts = (" ".join(line.strip().strip("|").strip() for line in cell.splitlines()) for cell in cells)
    return tuple((m[1], m[2], m[3]) for text in texts if (m := _RESULT.search(text)))


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
