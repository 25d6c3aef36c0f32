"""The step that migrates all databases to another server: dump, restore, compare.

Operators do this between two releases: stop every service, dump the databases on the old server, restore them on the
new one, and change each service's `connection`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.steps import relocate
from osupgrade.lab.database import DatabaseServer
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.plan import SERVER, Plan, ServerMove
from osupgrade.model.quoting import literal
from osupgrade.model.step import Diagnosis, Outcome, StepResult
from osupgrade.rehearsal.held import Held
from osupgrade.rehearsal.transfer import SOURCE, Clock, NotRestored, transferred

_SETTINGS = ("sql_mode", "character_set_server", "collation_server", "innodb_default_row_format")


@dataclass(frozen=True)
class Moved:
    """The cloud on the new server, or on the old one if the restore failed; the step's result, and findings."""

    cloud: Cloud
    result: StepResult
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class ServerMoves:
    """Migrates clouds to the ``servers`` of a plan, by image name."""

    plan: Plan
    servers: Mapping[str, DatabaseServer]

    def __call__(self, cloud: Cloud, move: ServerMove) -> Moved:
        """Dump every database, restore it on the new server, compare, and update the addresses stored in the rows."""
        old, new = cloud.lab_server, self.servers[move.database]
        held = Held.now(cloud)
        settings = _settings(cloud)
        result = StepResult(
            move.name, SERVER, move.release, Outcome.PASSED, 0.0, versions_before={SERVER: (old.version,)}
        )
        clock, began = Clock(), time.monotonic()
        try:
            moved, replaced = transferred(cloud, new, f"{cloud.lane}-{move.name}", clock)
        except NotRestored as fault:
            said = " ".join(str(fault).split())
            problem = f"{new.version} cannot restore the dumps of {old.version}: {said}"
            failed = dataclasses.replace(result, outcome=Outcome.FAILED, problems=(problem,), diagnosis=Diagnosis(said))
            return Moved(cloud, _timed(failed, clock, began))
        self._relocate(moved, move)
        result = _timed(dataclasses.replace(result, versions_after={SERVER: (new.version,)}), clock, began)
        lost = held.compared(moved, f"arrived on {move.database} with different {{}}", SOURCE)
        return Moved(moved, result, (*replaced, *lost, *_other_settings(move, settings, _settings(moved))))

    def _relocate(self, cloud: Cloud, move: ServerMove) -> None:
        """Update the addresses stored in the rows, by the release at which each service is."""
        order = list(self.plan.by_name)
        for chain in self.plan.chains:
            behind = [hop.target for hop in chain.hops if order.index(hop.target) <= order.index(move.release)]
            at = behind[-1] if behind else chain.hops[0].source
            release = self.plan.release(at)
            if chain.service in release.services:
                relocate(cloud, release, (chain.service,))


def _timed(result: StepResult, clock: Clock, began: float) -> StepResult:
    """The step as it ends now, with the time of each of its parts."""
    calls = {phase.name: phase.seconds for phase in clock.phases}
    return dataclasses.replace(result, seconds=time.monotonic() - began, calls=calls)


def _settings(cloud: Cloud) -> Mapping[str, str]:
    """The server settings that affect later migrations."""
    wanted = ", ".join(map(literal, _SETTINGS))
    found = cloud.server.rows("", f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({wanted})")
    return {**{str(name): str(value) for name, value in found}, **_row_formats(cloud)}


def _row_formats(cloud: Cloud) -> Mapping[str, str]:
    """The number of tables by row format."""
    if not cloud.databases:
        return {}
    names = ", ".join(map(literal, cloud.databases.values()))
    sql = (
        "SELECT row_format, COUNT(*) FROM information_schema.tables "
        f"WHERE table_schema IN ({names}) AND table_type = 'BASE TABLE' GROUP BY row_format ORDER BY row_format"
    )
    return {"row formats": ", ".join(f"{name} {count}" for name, count in cloud.server.rows("", sql))}


def _other_settings(move: ServerMove, before: Mapping[str, str], after: Mapping[str, str]) -> Sequence[Finding]:
    """One finding if settings differ between the servers."""
    other: list[tuple[object, ...]] = [
        (name, before.get(name, "not there"), after.get(name, "not there"))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    if not other:
        return ()
    return (
        Finding(
            SOURCE,
            Severity.INFO,
            SERVER,
            move.name,
            f"the settings of {move.database} differ from those of the old server",
            consequence="later migrations run under the new settings; compare them with those of your own new server",
            evidence=Evidence.of(("setting", "before", "after"), other),
        ),
    )
