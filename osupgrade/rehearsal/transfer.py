"""Taking all databases of a cloud from one server to another: dumped, copied over, restored."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from osupgrade.cloud.cloud import Cloud
from osupgrade.lab.database import Copied, DatabaseServer
from osupgrade.model.errors import LabFault
from osupgrade.model.report import Phase


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
) -> Cloud:
    """The cloud on another server, under the same names; ``shelf`` is where its dumps lie on both.

    ``restoring`` is called between dump and restore. Raises NotRestored with what the new server's client printed.
    """
    old, names = cloud.lab_server, list(cloud.databases.values())
    clock.measure("dump", lambda: old.save(names, shelf))
    clock.measure("copy", lambda: new.take(old, shelf))
    restoring()
    try:
        clock.measure("restore", lambda: new.load(shelf, {name: name for name in names}))
    except LabFault as fault:
        raise NotRestored(fault.evidence or fault.message) from fault
    return dataclasses.replace(cloud, server=new)
