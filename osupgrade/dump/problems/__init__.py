"""What keeps a dump from being restored whole, and what should be known of it: a module for each kind of problem.

A rule has a name, a severity and a function that says what is wrong, or nothing. Errors come first, the most telling of
them at the top; a rule that is ``alone`` has nothing to say of a dump that has a worse problem.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from osupgrade.dump.problems import charset, message, mixed, nothing, rows, stripped, truncated
from osupgrade.dump.problems.problem import SCHEMA_ONLY, Problem
from osupgrade.dump.seen import Seen
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Cure, Finding, Severity

__all__ = ["RULES", "SCHEMA_ONLY", "Problem", "Rule", "check", "not_a_dump", "refusal", "remarks", "unreadable"]

not_a_dump = nothing.not_a_dump
unreadable = nothing.unreadable


class Rule(NamedTuple):
    """One thing that can be wrong with a dump."""

    name: str
    severity: Severity
    judge: Callable[[Seen, str], Problem | None]
    """Of what was seen, and how messages call the dump."""
    alone: bool = False


RULES = (
    Rule("error-of-the-dumper", Severity.ERROR, message.failed),
    Rule("truncated", Severity.ERROR, truncated.truncated),
    Rule("hole", Severity.ERROR, truncated.hole),
    Rule("several-in-one", Severity.ERROR, mixed.mixed, alone=True),
    Rule("no-tables", Severity.ERROR, rows.without_tables, alone=True),
    Rule("stripped", Severity.ERROR, stripped.stripped),
    Rule("no-charset", Severity.ERROR, charset.unsaid, alone=True),
    Rule("other-charset", Severity.ERROR, charset.other, alone=True),
    Rule("message", Severity.WARNING, message.left_out),
    Rule("no-rows", Severity.WARNING, rows.schema_alone),
    Rule("not-utf8", Severity.WARNING, charset.binary),
    Rule("assumed-charset", Severity.INFO, charset.assumed),
    Rule("accounts", Severity.INFO, rows.accounts),
    Rule("replication", Severity.INFO, rows.replication),
    Rule("server", Severity.INFO, rows.server_wide),
)


def check(seen: Seen, name: str) -> tuple[Finding, ...]:
    """What keeps a dump from being restored whole, the most telling first; empty when it is sound."""
    found: list[Finding] = []
    for rule in RULES:
        if rule.severity is Severity.ERROR and not (rule.alone and found):
            found += _judged(rule, seen, name)
    return tuple(found)


def remarks(seen: Seen, name: str) -> tuple[Finding, ...]:
    """What does not stop a restore but should be known."""
    rules = (rule for rule in RULES if rule.severity is not Severity.ERROR)
    return tuple(finding for rule in rules for finding in _judged(rule, seen, name))


def refusal(problem: Finding) -> UsageFault:
    """A finding of :func:`check` as the fault that ends a command."""
    hint = problem.cure.summary if problem.cure else ""
    return UsageFault(problem.message, hint=hint, evidence=problem.consequence)


def _judged(rule: Rule, seen: Seen, name: str) -> list[Finding]:
    problem = rule.judge(seen, name)
    if problem is None:
        return []
    cure = Cure(problem.cure) if problem.cure else None
    return [Finding("dump", rule.severity, "", name, problem.message, problem.consequence, cure=cure)]
