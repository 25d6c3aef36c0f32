"""How a cloud gets to where its steps run, and back: upgraded in place, or moved to a new database server first.

In place, a backup is taken before the first step; at the end it is restored into scratch databases, with a clock
running, and must hold what the cloud held. On a new controller each database is dumped from the old server and restored
on the new one, which may be of another version; the old one is left as it is, and must still be that at the end.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.copies import Snapshot, copied
from osupgrade.cloud.fingerprint import MOST_BYTES
from osupgrade.cloud.laboratory import Laboratory, Say
from osupgrade.cloud.steps import relocate
from osupgrade.lab.database import Copied
from osupgrade.model.finding import Finding
from osupgrade.model.report import StagedFinding, State, Strategy
from osupgrade.model.stage import SEEDED, VERIFY, Stage
from osupgrade.model.text import duration
from osupgrade.rehearsal.held import Held
from osupgrade.rehearsal.phases import Ended, PhaseResult
from osupgrade.rehearsal.runner import Refused
from osupgrade.rehearsal.transfer import Clock, NotRestored, transferred

StrategyName = Literal["in-place", "new-controller"]
STRATEGIES: tuple[StrategyName, ...] = ("in-place", "new-controller")
IN_PLACE, NEW_CONTROLLER = STRATEGIES
SOURCE = "way back"
_SHELF = "backup"


@dataclass
class InPlace:
    """The phase of an upgrade in place. ``rollback`` says whether a backup is taken and its restore rehearsed."""

    laboratory: Laboratory
    rollback: bool
    say: Say
    clock: Clock = field(default_factory=Clock, init=False)
    _held: Held | None = field(default=None, init=False)

    def before(self, cloud: Cloud) -> Cloud:
        """Take the backup."""
        if self.rollback:
            self._held = Held.now(cloud)
            self.say("taking the backup")
            self.clock.measure("backup", lambda: cloud.lab_server.save(list(cloud.databases.values()), _SHELF))
        return cloud

    def after(self, _ended: Ended) -> PhaseResult:
        """Restore the backup into scratch databases, and look whether all is there."""
        if self._held is None:
            return _result(self.laboratory, IN_PLACE, self.clock, (), "")
        cloud, took = self._held.cloud, dict[str, Copied]()
        self.say("rehearsing the way back: restoring the backup")
        began = time.monotonic()
        with copied(cloud, "back", Snapshot(_SHELF, cloud.databases), loaded=took.update) as back:
            self.clock.took("rollback", began, took)
            found = self._held.compared(back, "came back with different {}", SOURCE)
        seconds = duration(self.clock.phases[-1].seconds)
        what = "row for row" if self._held.size <= MOST_BYTES else "in its row counts"
        way_back = f"the backup was restored in {seconds}, and matches the cloud {what}"
        return _result(self.laboratory, IN_PLACE, self.clock, [(VERIFY, found)], way_back)


@dataclass
class NewController:
    """The phase of a move: the cloud is moved to the new server before its first step."""

    laboratory: Laboratory
    say: Say
    clock: Clock = field(default_factory=Clock, init=False)
    _held: Held | None = field(default=None, init=False)
    _lost: tuple[Finding, ...] = field(default=(), init=False)
    _replaced: tuple[Finding, ...] = field(default=(), init=False)

    def before(self, cloud: Cloud) -> Cloud:
        """Dump the cloud and restore it on the new server; raises Refused when that does not take a dump."""
        laboratory = self.laboratory
        new = laboratory.new
        assert new is not None
        self._held = held = Held.now(cloud)
        self.say("dumping the databases")
        try:
            moved, self._replaced = transferred(
                cloud, new, _SHELF, self.clock, lambda: self.say(f"restoring the dumps on {laboratory.new_database}")
            )
        except NotRestored as fault:
            raise Refused(f"{laboratory.new_database} rejects a dump of {laboratory.database}: {fault}") from fault
        began = time.monotonic()
        self._lost = held.compared(moved, "arrived with different {}", SOURCE)
        self.clock.took("comparison", began, {})
        relocate(moved, laboratory.plan.first)
        return moved

    def after(self, _ended: Ended) -> PhaseResult:
        """The old server is the way back; look whether it still holds what it held."""
        if self._held is None:
            return _result(self.laboratory, NEW_CONTROLLER, self.clock, (), "")
        self.say("rehearsing the way back: looking at the old server")
        began = time.monotonic()
        found = self._held.compared(self._held.cloud, "of the old server changed their {} meanwhile", SOURCE)
        self.clock.took("rollback", began, {})
        way_back = "the old server is unchanged: its services can be started again"
        arrived = (*self._replaced, *self._lost)
        return _result(self.laboratory, NEW_CONTROLLER, self.clock, [(SEEDED, arrived), (VERIFY, found)], way_back)


def _result(
    laboratory: Laboratory,
    name: StrategyName,
    clock: Clock,
    found: Sequence[tuple[Stage, Sequence[Finding]]],
    way_back: str,
) -> PhaseResult:
    """``way_back`` is what going back takes, where nothing was found at the end."""
    lost = bool(found and found[-1][1])
    return PhaseResult(
        tuple(StagedFinding(stage, finding, State.UNRESOLVED) for stage, several in found for finding in several),
        strategy=Strategy(
            name=name,
            old=laboratory.database,
            new=laboratory.new_database or laboratory.database,
            phases=tuple(clock.phases),
            way_back="" if lost else way_back,
        ),
    )
