"""The same cloud along the same path again and again: every time it must end as it did the first time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.copies import Snapshot, copied, snapshot
from osupgrade.cloud.fingerprint import Fingerprint, differences, fingerprint
from osupgrade.cloud.laboratory import Laboratory, Say
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.events import EventLog
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.report import LaneResult
from osupgrade.rehearsal.runner import Rehearsal

SOURCE = "again"
_SHELF = "again"


@dataclass(frozen=True)
class Again:
    """Repeats of one rehearsal on one laboratory; made before the first one begins.

    ``rehearse`` makes the rehearsal of a cloud in a directory; ``size`` is what the cloud holds, in bytes.
    """

    laboratory: Laboratory
    cloud: Cloud
    run: RunDirectory
    rehearse: Callable[[Cloud, RunDirectory, EventLog], Rehearsal]
    size: int

    def keep(self) -> None:
        """Put the cloud as it is now on the shelf."""
        snapshot(self.cloud, _SHELF)

    def repeat(self, times: int, first: Fingerprint, result: LaneResult, say: Say) -> tuple[Finding, ...]:
        """Take the kept cloud along the path until it was taken ``times`` times in all.

        Returns what differed from the first time: from ``first`` where it ended, from ``result`` in how many rows each
        migration changed. Raises Fault for what is not the cloud's doing.
        """
        found: list[Finding] = []
        for number in range(2, times + 1):
            found += self._once(number, first, changed_rows(result))
            say(f"the same cloud again, {number} of {times}: {len(found) or 'no'} difference{'s' * (len(found) != 1)}")
        return tuple(found)

    def _once(self, number: int, first: Fingerprint, changed: Mapping[str, int]) -> list[Finding]:
        here = self.run.lane(f"again-{number}")
        kept = Snapshot(_SHELF, self.cloud.databases)
        with copied(self.cloud, f"again{number}", kept, logs=here.path / "logs") as cloud:
            with EventLog(here.events) as events:
                result = self.rehearse(cloud, here, events).go()
            prints = fingerprint(cloud, self.size, self.laboratory.plan.releases)
        found = list(
            differences(first, prints, SOURCE, f"run {number} of the same input ended with another {{}} than the first")
        )
        now = changed_rows(result)
        others = [(name, changed.get(name), now.get(name)) for name in sorted({*changed, *now})]
        differ: list[tuple[object, ...]] = [row for row in others if row[1] != row[2]]
        if differ:
            message = f"in run {number} of the same input {len(differ)} migrations changed another number of rows"
            evidence = Evidence.of(("migration", "first", "now"), differ)
            found.append(Finding(SOURCE, Severity.WARNING, "migrations", "rows", message, evidence=evidence))
        if result.failed:
            steps = ", ".join(step.step for step in result.failed)
            found.append(Finding(SOURCE, Severity.ERROR, result.failed[0].service, steps, f"run {number} failed there"))
        return found


def changed_rows(result: LaneResult) -> Mapping[str, int]:
    """How many rows each migration changed, by its name."""
    return {m.name: m.rows_changed for step in result.steps for m in step.migrations if m.revision}
