"""How a cloud gets to where its hops are done, and back: upgraded in place, or moved to a new database server first.

In place, a backup is taken before the first hop; at the end it is restored into scratch databases, with a clock
running, and must hold what the cloud held. On a new controller each database is dumped from the old server and restored
on the new one, which may be of another version; the old one is left as it is, and must still be that at the end.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.copies import Snapshot, copied
from osupgrade.cloud.fingerprint import MOST_BYTES, Fingerprint, differences, fingerprint, row_counts, volume
from osupgrade.cloud.laboratory import Laboratory, Say
from osupgrade.cloud.steps import relocate
from osupgrade.lab.database import Copied, DatabaseServer
from osupgrade.model.errors import LabFault
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.report import Phase, Strategy
from osupgrade.model.text import duration
from osupgrade.rehearsal.runner import Refused

StrategyName = Literal["in-place", "new-controller"]
STRATEGIES: tuple[StrategyName, ...] = ("in-place", "new-controller")
IN_PLACE, NEW_CONTROLLER = STRATEGIES
SOURCE = "way back"
_SHELF = "backup"


@dataclass
class Departure:
    """The way of one rehearsal. ``leave`` is done once the traps are in the cloud, ``look_back`` after the path.

    ``rollback`` says whether an upgrade in place takes a backup and rehearses its restore; without it nothing is done.
    """

    laboratory: Laboratory
    rollback: bool
    say: Say
    phases: list[Phase] = field(default_factory=list)
    _left: Cloud | None = None
    _size: int = 0
    _held: Fingerprint = field(default_factory=Fingerprint)
    _rows: Mapping[str, int] = field(default_factory=dict)
    _way_back: str = ""

    def leave(self, cloud: Cloud) -> tuple[Cloud, Sequence[Finding]]:
        """Take the backup, or the cloud to the new server; the cloud as the hops find it, and what was lost on the way.

        Raises Refused when the new server does not take a dump.
        """
        new = self.laboratory.new
        if new is None and not self.rollback:
            return cloud, ()
        self._left = cloud
        held = volume(cloud)
        self._rows, self._size = held.rows, sum(held.bytes.values())
        self._held = fingerprint(cloud, self._size)
        names = list(cloud.databases.values())
        self.say("dumping the databases" if new else "taking the backup")
        self._measure("dump" if new else "backup", lambda: cloud.lab_server.save(names, _SHELF))
        return self._move(cloud, new) if new else (cloud, ())

    def look_back(self) -> Sequence[Finding]:
        """Rehearse the way back; what it would not bring back. Nothing when the cloud never left."""
        if self._left is None:
            return ()
        if self.laboratory.new:
            return self._untouched(self._left)
        return self._restored(self._left)

    def told(self) -> Strategy:
        """The strategy as the report has it."""
        moved = self.laboratory.new is not None
        return Strategy(
            name=NEW_CONTROLLER if moved else IN_PLACE,
            old=self.laboratory.database,
            new=self.laboratory.new_database or self.laboratory.database,
            phases=tuple(self.phases),
            way_back=self._way_back,
        )

    def _move(self, cloud: Cloud, new: DatabaseServer) -> tuple[Cloud, Sequence[Finding]]:
        databases = cloud.databases
        self._measure("copy", lambda: new.take(cloud.lab_server, _SHELF))
        self.say(f"restoring the dumps on {self.laboratory.new_database}")
        try:
            self._measure("restore", lambda: new.load(_SHELF, {name: name for name in databases.values()}))
        except LabFault as fault:
            raise Refused(
                f"{self.laboratory.new_database} does not take a dump of {self.laboratory.database}: {fault.evidence}"
            ) from fault
        moved = dataclasses.replace(cloud, server=new)
        began = time.monotonic()
        found = self._compared(moved, "arrived with another {} than they left with")
        self.phases.append(Phase("comparison", round(time.monotonic() - began, 3)))
        relocate(moved, self.laboratory.plan.first)
        return moved, found

    def _restored(self, cloud: Cloud) -> Sequence[Finding]:
        """Restore the backup into scratch databases, and look whether all is there."""
        self.say("rehearsing the way back: restoring the backup")
        took: dict[str, Copied] = {}
        began = time.monotonic()
        with copied(cloud, "back", Snapshot(_SHELF, cloud.databases), loaded=took.update) as back:
            self._took("rollback", began, took)
            found = self._compared(back, "came back with another {} than before")
        taken = duration(self.phases[-1].seconds)
        what = "row for row" if self._size <= MOST_BYTES else "with as many rows"
        if not found:
            self._way_back = f"the backup was restored in {taken}, and holds {what} what the cloud held"
        return found

    def _untouched(self, cloud: Cloud) -> Sequence[Finding]:
        """The old server is the way back; look whether it is still what it was."""
        self.say("rehearsing the way back: looking at the old server")
        began = time.monotonic()
        found = self._compared(cloud, "of the old server changed their {} meanwhile")
        self.phases.append(Phase("rollback", round(time.monotonic() - began, 3)))
        if not found:
            self._way_back = "the old server still holds what it held: start its services again"
        return found

    def _compared(self, cloud: Cloud, says: str) -> Sequence[Finding]:
        now = fingerprint(cloud, self._size)
        found = list(differences(self._held, now, SOURCE, f"the databases {says}"))
        if not now.contents:
            rows = row_counts(cloud)
            other: list[tuple[object, ...]] = [
                (table, self._rows.get(table), rows.get(table))
                for table in sorted(self._rows.keys() | rows.keys())
                if self._rows.get(table) != rows.get(table)
            ]
            if other:
                evidence = Evidence.of(("table", "then", "now"), other)
                message = f"the databases {says.format('number of rows')}"
                found.append(Finding(SOURCE, Severity.ERROR, "databases", "rows", message, evidence=evidence))
        return found

    def _measure(self, name: str, work: Callable[[], Mapping[str, Copied] | None]) -> None:
        began = time.monotonic()
        self._took(name, began, work() or {})

    def _took(self, name: str, began: float, dumps: Mapping[str, Copied]) -> None:
        self.phases.append(
            Phase(
                name,
                round(time.monotonic() - began, 3),
                sum(one.bytes for one in dumps.values()),
                {database: one.seconds for database, one in dumps.items()},
            )
        )
