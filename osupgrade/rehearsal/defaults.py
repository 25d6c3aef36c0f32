"""A dump of one database does not say its default character set, which new tables get: both likely ones are tried."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.copies import Snapshot, copied, snapshot
from osupgrade.cloud.laboratory import Say
from osupgrade.dump.holdings import holdings
from osupgrade.dump.read import Dump
from osupgrade.model.events import EventLog
from osupgrade.model.failure import Failure, failure_of
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.quoting import quoted
from osupgrade.model.report import LaneResult, StagedFinding, State
from osupgrade.model.stage import VERIFY
from osupgrade.rehearsal.phases import Ended, PhaseResult
from osupgrade.rehearsal.runner import Runner

SOURCE = "survey"
ASSUMED = "utf8"
"""What the lab gives a database of which nothing is known, as the installation guides do."""
_SHELF = "defaults"
_ASK = "osupgrade survey asks the server for it; give what it answers with --survey FILE"


@dataclass
class OtherDefault:
    """The phase that takes a copy of the cloud along with the other likely default, and compares how far it came.

    ``silent`` are the databases, by their logical names, of which the dump says no default; ``other`` is what a server
    of the dump's version gives a database unless it is configured otherwise.
    """

    runner: Runner
    silent: Sequence[str]
    other: str
    say: Say
    _kept: tuple[Cloud, Snapshot] | None = field(default=None, init=False)

    def before(self, cloud: Cloud) -> Cloud:
        """Keep the cloud as it is now."""
        if self.silent:
            self._kept = cloud, snapshot(cloud, _SHELF)
        return cloud

    def after(self, ended: Ended) -> PhaseResult:
        """Whether the steps end differently with the other default, and what was assumed."""
        if self._kept is None or ended.result.refused:
            return PhaseResult()
        cloud, kept = self._kept
        self.say(f"trying {', '.join(self.silent)} with the default character set {self.other} too")
        here = self.runner.run.lane(f"default-{self.other}")
        lane, logs = f"default{self.other}", here.path / "logs"
        with copied(cloud, lane, kept, logs=logs) as copy, EventLog(here.events) as events:
            for name in self.silent:
                database = quoted(copy.databases[name])
                copy.server.execute("", f"ALTER DATABASE {database} CHARACTER SET {self.other}")
            ran = replace(self.runner, run=here, events=events).go(
                replace(copy, assumed=dict.fromkeys(self.silent, self.other))
            )
        names = (*cloud.databases.values(), *copy.databases.values())
        finding = judged(self.silent, self.other, ended.result, ran.result, names)
        return PhaseResult((StagedFinding(VERIFY, finding, State.UNRESOLVED),))


def silent(dumps: Sequence[Dump]) -> tuple[str, ...]:
    """The databases of which no dump says the default character set."""
    return tuple(sorted(held.service for held in holdings(dumps) if not held.section.charset))


def judged(
    silent: Sequence[str], other: str, first: LaneResult, second: LaneResult, names: Collection[str] = ()
) -> Finding:
    """What to say of the databases without a known default: whether it matters, and to which steps.

    An error that only names a database by another of its ``names``, or another value, is the same one.
    """
    place = ", ".join(silent)
    unknown = f"the dump does not say the default character set of {place}"
    if _failures(first, names) == _failures(second, names):
        words = f"{unknown}; {ASSUMED} was assumed, and with {other} every step ends the same"
        return Finding(SOURCE, Severity.INFO, silent[0], place, words)
    here, there = _errors(first), _errors(second)
    rows: list[tuple[object, ...]] = [
        (step, here.get(step, "succeeded"), there.get(step, "succeeded")) for step in sorted({*here, *there})
    ]
    return Finding(
        source=SOURCE,
        severity=Severity.WARNING,
        service=silent[0],
        place=place,
        message=f"{unknown}, and the outcome depends on it: {ASSUMED} was assumed",
        consequence=f"with {other} these steps end differently; {_ASK}",
        evidence=Evidence.of(("step", f"with {ASSUMED}", f"with {other}"), rows),
        command="osupgrade survey",
    )


def _failures(result: LaneResult, names: Collection[str]) -> list[Failure]:
    return [failure_of(step, names) for step in sorted(result.failed, key=lambda step: step.step)]


def _errors(result: LaneResult) -> dict[str, str]:
    """Each failed step with its error."""
    return {step.step: step.diagnosis.error if step.diagnosis else "; ".join(step.problems) for step in result.failed}


def usual_default(server_version: str) -> str:
    """The character set that a server of this version gives a database unless it is configured otherwise.

    Where a dump does not say the version, that of the servers of its time.
    """
    numbers = [int(part) for part in server_version.partition("-")[0].split(".")[:2] if part.isdigit()]
    newer = (11, 6) if "mariadb" in server_version.lower() else (8, 0)
    return "utf8mb4" if tuple(numbers) >= newer else "latin1"
