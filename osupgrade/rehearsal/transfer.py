"""Taking all databases of a cloud from one server to another: dumped, copied over, restored."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from osupgrade.cloud.cloud import Cloud
from osupgrade.dump.collations import replacements
from osupgrade.lab.database import Copied, DatabaseServer, replacing
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Shell
from osupgrade.model.quoting import literal
from osupgrade.model.report import Phase

SOURCE = "new server"


@dataclass
class Clock:
    """Times what is done with whole databases."""

    phases: list[Phase] = field(default_factory=list)

    def measure(self, name: str, work: Callable[[], Mapping[str, Copied] | None]) -> None:
        """Do it, and note how long it took."""
        began = time.monotonic()
        self.took(name, began, work() or {})

    def took(self, name: str, began: float, dumps: Mapping[str, Copied]) -> None:
        """Note something that ends now."""
        self.phases.append(
            Phase(
                name,
                round(time.monotonic() - began, 3),
                sum(one.bytes for one in dumps.values()),
                {database: one.seconds for database, one in dumps.items()},
            )
        )


class NotRestored(Exception):
    """The new server rejected a dump: the cloud's doing or the server's, and no fault of the lab. Says its error."""


def transferred(
    cloud: Cloud, new: DatabaseServer, shelf: str, clock: Clock, restoring: Callable[[], object] = lambda: None
) -> tuple[Cloud, tuple[Finding, ...]]:
    """The cloud on another server, under the same names, and what had to be changed in its dumps.

    ``shelf`` is where its dumps lie on both; ``restoring`` is called between dump and restore. Raises NotRestored with
    what the new server's client printed.
    """
    old, names = cloud.lab_server, list(cloud.databases.values())
    used = _collations(cloud)
    try:
        replaced = replacements(new, used)
    except UsageFault as fault:
        raise NotRestored(fault.message) from fault
    clock.measure("dump", lambda: old.save(names, shelf))
    clock.measure("copy", lambda: new.take(old, shelf))
    new.replace_collations(shelf, replaced)
    restoring()
    try:
        clock.measure("restore", lambda: new.load(shelf, {name: name for name in names}))
    except LabFault as fault:
        raise NotRestored(fault.evidence or fault.message) from fault
    found = tuple(_unknown(new, name, nearest, used[name]) for name, nearest in replaced.items())
    return dataclasses.replace(cloud, server=new), found


def _collations(cloud: Cloud) -> Mapping[str, list[str]]:
    """Each collation that the cloud's dumps name, with the tables that have it."""
    names = ", ".join(map(literal, cloud.databases.values()))
    rows = cloud.server.rows(
        "",
        f"SELECT collation_name, CONCAT(table_schema, '.', table_name) FROM information_schema.columns "
        f"WHERE table_schema IN ({names}) AND collation_name IS NOT NULL UNION "
        f"SELECT table_collation, CONCAT(table_schema, '.', table_name) FROM information_schema.tables "
        f"WHERE table_schema IN ({names}) AND table_collation IS NOT NULL UNION "
        f"SELECT default_collation_name, '' FROM information_schema.schemata WHERE schema_name IN ({names}) UNION "
        f"SELECT collation_connection, '' FROM information_schema.triggers WHERE trigger_schema IN ({names}) UNION "
        f"SELECT database_collation, '' FROM information_schema.triggers WHERE trigger_schema IN ({names}) UNION "
        f"SELECT collation_connection, '' FROM information_schema.routines WHERE routine_schema IN ({names}) UNION "
        f"SELECT collation_connection, '' FROM information_schema.views WHERE table_schema IN ({names})",
    )
    found: dict[str, list[str]] = {}
    for collation, table in rows:
        found.setdefault(str(collation).lower(), []).extend([str(table)] if table else [])
    return found


def _unknown(new: DatabaseServer, name: str, nearest: str, tables: Sequence[str]) -> Finding:
    """What to say of a collation that the new server lacks."""
    command = f"{replacing({name: nearest})} DUMP"
    return Finding(
        source=SOURCE,
        severity=Severity.WARNING,
        service="",
        place=name,
        message=f"{new.version} does not know the collation {name}: it was restored as {nearest}",
        consequence="a restore stops at it with 1273; text may sort and compare differently afterwards",
        evidence=Evidence.of(("table",), [(table,) for table in sorted(tables)]),
        cure=Cure("replace its name in each dump before you restore it", (Shell(command),)),
    )
