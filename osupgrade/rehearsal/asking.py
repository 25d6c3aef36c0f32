"""Asking preflights and invariants, which may meet anything in a cloud: one that cannot look spares all the others."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import pymysql
from sqlalchemy.exc import DBAPIError

from osupgrade.cloud.cloud import Cloud
from osupgrade.dump.limits import how_to_raise, limits
from osupgrade.lab.database import no_room
from osupgrade.model import foreign
from osupgrade.model.errors import LabFault, MissingFault, UsageFault
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.foreign import TookTooLong, contained, raised_by_it
from osupgrade.scenarios.contract import Preflight, Scenario

LACKING = "what they look for may be there all the same; the local changes say what is missing"
"""What follows where a preflight asks for what the database does not have."""
_NOT_THERE = (1054, 1146)

_T = TypeVar("_T")


def ask(scenario: Scenario, preflight: Preflight, cloud: Cloud) -> list[Finding]:
    """A preflight's findings; when it cannot look, that is its finding.

    Raises Fault when the server is gone or the lab failed.
    """
    findings, failed = answer(scenario, preflight, cloud)
    return [failed] if failed else findings


def answer(scenario: Scenario, preflight: Preflight, cloud: Cloud) -> tuple[list[Finding], Finding | None]:
    """As :func:`ask`, with what says that it cannot look apart from what it finds."""
    findings, failed = looked(scenario.name, "preflight", scenario.services[0], cloud, lambda: _found(preflight(cloud)))
    return findings or [], failed


def _found(given: object) -> list[Finding]:
    """What a preflight gives, if it is what it should be; raises TypeError otherwise."""
    if given is None:
        return []
    found: list[Finding] = []
    for each in given if isinstance(given, Iterable) else (given,):
        if not isinstance(each, Finding):
            raise TypeError(f"it gives {each!r:.80}, not findings")
        found.append(each)
    return found


def spared(
    source: str, what: str, service: str, cloud: Cloud, work: Callable[[], _T]
) -> tuple[_T | None, Finding | None]:
    """What ``work`` gives, or a warning that it could not be done.

    It is a warning and no error: nothing is known of the cloud, and the real tools still show what is wrong with it.
    Raises Fault when the server is gone or the lab failed.
    """
    return _spared(source, what, service, cloud, work, 0)


def looked(
    source: str, what: str, service: str, cloud: Cloud, work: Callable[[], _T]
) -> tuple[_T | None, Finding | None]:
    """The same for what only looks at the databases, and so is held to a time: a cloud may make a query endless."""
    return _spared(source, what, service, cloud, work, limits().look)


def _spared(
    source: str, what: str, service: str, cloud: Cloud, work: Callable[[], _T], seconds: float
) -> tuple[_T | None, Finding | None]:
    try:
        return contained(work, seconds, cloud.server.end), None
    except (LabFault, MissingFault):
        raise
    except BaseException as fault:  # an operator's own scenario may raise anything, and a cloud may hold anything
        if not raised_by_it(fault):
            raise
        if isinstance(fault, (DBAPIError, pymysql.Error)):
            require_alive(cloud, error_text(fault))
        return None, Finding(
            source=source,
            severity=Severity.WARNING,
            service=service,
            place=_place(fault, service) or "the whole cloud",
            message=f"the {what} {source} could not run: {error_text(fault)}",
            consequence=LACKING
            if _is_lacking(fault)
            else "what it looks for may exist nevertheless"
            + (f"; {how_to_raise('look', seconds * 10)}" if isinstance(fault, TookTooLong) else ""),
        )


def _is_lacking(fault: BaseException) -> bool:
    original = getattr(fault, "orig", fault)
    return isinstance(original, pymysql.Error) and bool(original.args) and original.args[0] in _NOT_THERE


def merged(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, with those that could not look as one for each service where the database lacks what they ask."""
    lacking: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.consequence == LACKING:
            lacking.setdefault(finding.service, []).append(finding)
        else:
            yield finding
    for service, several in lacking.items():
        names = ", ".join(dict.fromkeys(finding.source for finding in several))
        rows: list[tuple[object, ...]] = [(one.source, one.message.rpartition("could not run: ")[2]) for one in several]
        yield Finding(
            several[0].source,
            Severity.WARNING,
            service,
            several[0].place,
            f"these preflights could not look, since the database lacks a table or column of upstream's: {names}",
            LACKING,
            Evidence.of(("preflight", "error"), rows),
        )


def error_text(fault: BaseException) -> str:
    """What a fault says, without the statement that a database's error repeats."""
    if isinstance(fault, UsageFault):
        return fault.message
    if isinstance(fault, TookTooLong):
        return str(fault)
    original = getattr(fault, "orig", fault)
    if isinstance(original, pymysql.Error) and len(original.args) > 1:
        return f"{original.args[1]} ({original.args[0]})"
    return str(original) if isinstance(fault, DBAPIError) else f"{type(fault).__name__}: {fault}"


def require_alive(cloud: Cloud, evidence: str) -> None:
    """Raise Fault when the server, or anything else of the lab, is gone or full.

    What failed then says nothing about the cloud.
    """
    if full := no_room("this cloud", evidence):
        raise full
    if cloud.workshop is not None:
        cloud.workshop.lab.require_whole()
    if not cloud.server.alive():
        raise MissingFault(
            "the database server stopped in the middle of the run",
            hint="check whether memory or disk ran out, then run it again",
            evidence=evidence,
        )


def _place(fault: BaseException, service: str) -> str:
    if isinstance(fault, TookTooLong):
        return fault.place or service
    if isinstance(fault, (DBAPIError, pymysql.Error, UsageFault)):
        return service
    frames = traceback.extract_tb(fault.__traceback__)
    where = [frame for frame in frames if frame.filename != foreign.__file__][-1]
    return f"{where.filename}:{where.lineno}"
