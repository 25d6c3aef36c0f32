"""The same cloud along the same path again and again: every time it must end as it did the first time."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.copies import Snapshot, copied, snapshot
from osupgrade.cloud.fingerprint import differences, fingerprint
from osupgrade.cloud.laboratory import Laboratory, Say
from osupgrade.model.events import EventLog
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.report import LaneResult, StagedFinding, State
from osupgrade.model.stage import VERIFY
from osupgrade.model.text import counted
from osupgrade.rehearsal.phases import Ended, PhaseResult
from osupgrade.rehearsal.runner import Runner

SOURCE = "again"
_SHELF = "again"


@dataclass
class Repeat:
    """The phase that upgrades the same cloud again until it was upgraded ``times`` times in all.

    ``runner`` runs it as the first time, and does nothing besides; ``size`` is what the cloud holds, in bytes, and
    ``since`` is when it was complete: later times in it were written by the upgrade.
    """

    runner: Runner
    laboratory: Laboratory
    times: int
    size: int
    say: Say
    since: datetime.datetime
    _kept: tuple[Cloud, Snapshot] | None = field(default=None, init=False)

    def before(self, cloud: Cloud) -> Cloud:
        """Keep the cloud as it is now."""
        if self.times > 1:
            self._kept = cloud, snapshot(cloud, _SHELF)
        return cloud

    def after(self, ended: Ended) -> PhaseResult:
        """What differed from the first time: where the cloud ended, and how many rows each migration changed."""
        if self._kept is None or ended.result.refused:
            return PhaseResult()
        found: list[Finding] = []
        for number in range(2, self.times + 1):
            found += self._once(number, *self._kept, ended)
            count = counted(len(found), "{found} difference[s]", found=len(found) or "no")
            self.say(f"run {number} of {self.times} on the same cloud: {count}")
        return PhaseResult(tuple(StagedFinding(VERIFY, finding, State.UNRESOLVED) for finding in found))

    def _once(self, number: int, cloud: Cloud, kept: Snapshot, first: Ended) -> Iterator[Finding]:
        here = self.runner.run.lane(f"again-{number}")
        with copied(cloud, f"again{number}", kept, logs=here.path / "logs") as copy:
            with EventLog(here.events) as events:
                ran = replace(self.runner, run=here, events=events).go(copy)
            prints = fingerprint(ran.cloud, self.size, self.laboratory.plan.releases, self.since)
        yield from differences(
            first.prints, prints, SOURCE, f"run {number} of the same input produced different {{}} from run 1"
        )
        then, now = changed_rows(first.result), changed_rows(ran.result)
        others = [(name, then.get(name), now.get(name)) for name in sorted({*then, *now})]
        differ: list[tuple[object, ...]] = [row for row in others if row[1] != row[2]]
        if differ:
            message = counted(
                len(differ),
                "{n} migration[s] changed a different number of rows in run {run} of the same input",
                run=number,
            )
            evidence = Evidence.of(("migration", "first", "now"), differ)
            yield Finding(SOURCE, Severity.WARNING, "migrations", "rows", message, evidence=evidence)
        if ran.result.failed:
            steps = ", ".join(step.step for step in ran.result.failed)
            yield Finding(
                SOURCE, Severity.ERROR, ran.result.failed[0].service, steps, f"run {number} of the same input failed"
            )


def changed_rows(result: LaneResult) -> Mapping[str, int]:
    """How many rows each migration changed, by its name."""
    return {m.name: m.rows_changed for step in result.steps for m in step.migrations if m.revision}
