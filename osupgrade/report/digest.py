"""What all views of a report have in common: findings in order, versions in a row, durations in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from osupgrade.model.finding import Cure, Fate, Finding, Sql
from osupgrade.model.fit import Interval
from osupgrade.model.plan import SERVER, ServerMove
from osupgrade.model.quoting import with_databases
from osupgrade.model.report import Customisation, LaneResult, Phase, RunReport
from osupgrade.model.stage import SEEDED, VERIFY, Stage
from osupgrade.model.step import Migration, Outcome, StepResult
from osupgrade.model.text import duration

# (OperationalError) (1050, "Table 'networks' already exists") 'CREATE TABLE ...' (), or [SQL: ...] in later releases.
_DATABASE_ERROR = re.compile(r"""(.*?\(\d+, u?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\)\)?)\s*(?:u?['"]|\[SQL: )""")
STOPS = 7
"""Versions that are named one by one."""
_HARDEST = (Fate.IN_THE_WAY, Fate.CONFLICT, Fate.LOST, Fate.ALTERED, Fate.UPSTREAM, Fate.KEPT)


def customised(report: RunReport) -> tuple[Customisation, ...]:
    """Everything of the operator's own in the schemas, what fared worst first."""
    own = [customisation for schema in report.schemas for customisation in schema.customisations]
    return tuple(sorted(own, key=lambda c: (_HARDEST.index(c.fate), c.service, c.place)))


def exactness(report: RunReport) -> tuple[str, str]:
    """Which services came out with upstream's schema and nothing but the operator's own besides, and which did not.

    Two lists in words, each service with the revision that it reached; a service that stopped on the way is in neither.
    """
    exact, other = (
        ", ".join(f"{schema.service} {schema.reached}" for schema in report.schemas if schema.exact is wanted)
        for wanted in (True, False)
    )
    return exact, other


def where(finding: Finding) -> str:
    """The service and the place of a finding, the service said once."""
    named = finding.place == finding.service or finding.place.startswith(f"{finding.service}.")
    return finding.place if named else f"{finding.service} {finding.place}".strip()


def between(time: Interval) -> str:
    """An expected time with its interval: ``3 min 20 s (2 min 50 s to 4 min 10 s)``."""
    return f"{duration(time.expected)} ({duration(time.low)} to {duration(time.high)})"


def versions_text(versions: Mapping[str, tuple[str, ...]], service: str) -> str:
    """What the version tables say, in one short text; the database is named where it is not the service's own."""
    texts = []
    for database, revisions in versions.items():
        text = "+".join(revisions) or "no version"
        texts.append(text if database == service else f"{database} {text}")
    return ", ".join(texts) or "no version"


def phases(report: RunReport) -> Mapping[str, Phase]:
    """What was done with whole databases around the hops, by name."""
    return {phase.name: phase for phase in report.strategy.phases} if report.strategy else {}


def moved(report: RunReport) -> bool:
    """Whether the cloud was moved to a new controller."""
    return report.strategy is not None and report.strategy.name == "new-controller"


def downtime(report: RunReport) -> float:
    """How long nothing may write, at the least and in the lab's seconds: whole databases first, then chains, finish."""
    done = phases(report)
    before = sum(done[name].seconds for name in ("backup", "dump", "copy", "restore") if name in done)
    steps = report.result.steps if report.result else ()
    chains: dict[str, float] = {}
    for step in steps:
        if "/" in step.step:
            chains[step.service] = chains.get(step.service, 0.0) + step.seconds
    return before + max(chains.values(), default=0.0) + sum(s.seconds for s in steps if "/" not in s.step)


def by_service(result: LaneResult) -> Mapping[str, tuple[StepResult, ...]]:
    """The steps of each service in the order in which they ran; a finish belongs to its service's chain."""
    services = dict.fromkeys((*result.services, *(step.service for step in result.steps)))
    return {name: tuple(step for step in result.steps if step.service == name) for name in services}


def migrations_of(result: LaneResult) -> tuple[Migration, ...]:
    """All migrations of a lane that were observed, the slowest first."""
    seen = [migration for step in result.steps for migration in step.migrations]
    return tuple(sorted(seen, key=lambda m: (-m.seconds, m.step, m.started)))


def not_reached(result: LaneResult) -> tuple[str, ...]:
    """The planned steps that a stopped chain did not do, by name."""
    done = {step.step for step in result.steps}
    return tuple(step for step in result.planned if step not in done)


def broken_checks(result: LaneResult) -> tuple[str, ...]:
    """The invariants that were asked and that do not hold."""
    return tuple(sorted({found.finding.source for found in result.unresolved} & result.checked.keys()))


def travelled(steps: Sequence[StepResult]) -> str:
    """The versions that a chain went through, and its finish: ``161 → 216 → 234``, ``havana → icehouse → ml2``.

    Of a long chain these are the first, the last two, and how many lie between.
    """
    if not steps:
        return "not reached"
    stops = [versions_text(steps[0].versions_before, steps[0].service)]
    for step in steps:
        reached = versions_text(step.versions_after, step.service)
        stops += [reached] if reached != stops[-1] else []
        stops += [step.step] if _is_move(step) and step.outcome is Outcome.PASSED else []
    if len(stops) > STOPS:
        stops = [stops[0], f"({len(stops) - 3} more)", *stops[-2:]]
    return " → ".join(stops)


def _is_move(step: StepResult) -> bool:
    """Whether a step leaves the version as it is, so that only its name says what it did."""
    return "/" not in step.step and step.versions_after == step.versions_before


def servers_moved_to(result: LaneResult) -> tuple[ServerMove, ...]:
    """The migrations to other database servers that were run, whether they succeeded or failed."""
    return tuple(ServerMove(step.step, step.release) for step in result.steps if step.service == SERVER)


def error_of(step: StepResult) -> str:
    """Why a step failed, in one line."""
    return short_error(step.diagnosis.error) if step.diagnosis else "; ".join(step.problems) or "no reason is known"


def short_error(text: str) -> str:
    """An error in one line without the statement that SQLAlchemy repeats after it."""
    flat = " ".join(text.split())
    match = _DATABASE_ERROR.match(flat)
    return match[1] if match else flat


def cure_blocks(cure: Cure) -> tuple[tuple[str, str], ...]:
    """A cure's steps as they are typed, in order: (database, statements) or ("", commands).

    Statements on one database that follow each other are one block. ``{nova}`` becomes the database's quoted name.
    """
    blocks: list[tuple[str, str]] = []
    for step in cure.steps:
        if isinstance(step, Sql):
            where, text = step.service, with_databases(step.statement.strip().rstrip(";"), str) + ";"
        else:
            where, text = "", step.command
        if blocks and blocks[-1][0] == where:
            blocks[-1] = (where, f"{blocks[-1][1]}\n{text}")
        else:
            blocks.append((where, text))
    return tuple(blocks)


def cure_text(cure: Cure) -> str:
    """A cure's steps in one text; a line before statements says on which database they go."""
    return "\n".join(f"-- on {where}\n{text}" if where else text for where, text in cure_blocks(cure))


def stage_in_words(stage: Stage) -> str:
    """``before ml2``, ``after havana/nova``, ``before anything runs``, ``at the end``."""
    names = {SEEDED: "before anything runs", VERIFY: "at the end"}
    return names.get(stage, f"{stage.moment} {stage.step}")
