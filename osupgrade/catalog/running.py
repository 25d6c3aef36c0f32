"""How a release's services run, read from ``images/RELEASE/serve.toml``: a release is data, not code."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from osupgrade.catalog import content
from osupgrade.model.errors import LabFault

Level = Literal["smoke", "full"]
CENSUS = "census"
"""The round that describes the whole cloud; it runs where there is something to compare it with."""
LEVELS: tuple[Level, ...] = ("smoke", "full")


@dataclass(frozen=True)
class Process:
    """One process of a running cloud, and how it says that it is ready.

    ``entry`` and ``args`` are templates as in :class:`osupgrade.model.Command`; ``program`` is an absolute path that
    runs instead of ``entry``. ``hosts`` is a query on the service's database: one process for every host it returns.
    ``after`` names processes that must be ready before this one is started.
    """

    name: str
    service: str
    config: tuple[str, ...]
    entry: str = ""
    args: tuple[str, ...] = ()
    program: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    gettext: str | None = None
    url: str = ""
    """Ready when this answers anything below 500."""
    queue: str = ""
    """Ready when somebody listens on this queue of the broker."""
    once: bool = False
    """It does something and ends; ready when it has ended well."""
    after: tuple[str, ...] = ()
    level: Level = "smoke"
    hosts: str = ""

    @property
    def worker(self) -> bool:
        """Whether it does nothing but listen to the broker."""
        return bool(self.queue) and not self.url


@dataclass(frozen=True)
class Script:
    """A client's round: a script that prints one JSON object, and the services that must run for it."""

    name: str
    file: str
    needs: tuple[str, ...]
    service: str
    """Whose code is importable in it."""
    config: tuple[str, ...] = ()
    level: Level = "smoke"


@dataclass(frozen=True)
class Listing:
    """What a script lists under ``name`` must be exactly the ids that ``sql`` finds in a service's database."""

    name: str
    service: str
    sql: str


@dataclass(frozen=True)
class Given:
    """Rows of the cloud's database that the rounds get in hand, as they were before anything started."""

    name: str
    service: str
    sql: str


@dataclass(frozen=True)
class Explained:
    """A difference between the censuses that is meant: shell patterns of kind, field and service, and why."""

    kind: str
    field: str
    why: str
    service: str = "*"


@dataclass(frozen=True)
class Expected:
    """An error in a service's log that is no sign of damage: a regular expression over its last line, and why."""

    error: str
    why: str


@dataclass(frozen=True)
class AfterCheck:
    """Rows of ``sql`` that are on the copy after the rounds and were not in the cloud before are damage."""

    name: str
    service: str
    columns: tuple[str, ...]
    sql: str
    message: str
    consequence: str
    level: Level = "smoke"


@dataclass(frozen=True)
class Running:
    """All that the lab must know of a release to run its services."""

    release: str
    broker: str
    """Image of the message broker; empty for none."""
    broker_environment: Mapping[str, str]
    scripts: Path
    always: tuple[str, ...]
    """Services that run even when the path leaves them out, then on a fresh database."""
    host: str
    processes: tuple[Process, ...]
    environment: Mapping[str, str]
    rounds: tuple[Script, ...]
    given: tuple[Given, ...]
    listings: tuple[Listing, ...]
    checks: tuple[AfterCheck, ...]
    explained: tuple[Explained, ...]
    account: Mapping[str, str]
    """Names that the lab's account must have at this release; any will do where empty."""
    expected: tuple[Expected, ...]
    statements: tuple[tuple[str, str], ...]
    """(database, SQL) on the copies before anything starts, templates too."""
    templates: Mapping[str, str]

    def wanted(self, services: tuple[str, ...], level: Level, *, fast: bool = False) -> tuple[Process, ...]:
        """The processes that a verification of ``services`` at ``level`` needs; ``fast`` is without a broker."""
        return tuple(
            process
            for process in self.processes
            if process.service in (*services, *self.always)
            and LEVELS.index(process.level) <= LEVELS.index(level)
            and not (fast and process.worker)
        )


@functools.cache
def load_running(release: str, images: Path | None = None) -> Running | None:
    """How ``release`` runs; None when nobody has described it. Raises LabFault naming the file and the key."""
    directory = (images or content.images()) / release
    file = directory / "serve.toml"
    if not file.is_file():
        return None
    try:
        data = tomllib.loads(file.read_text("utf-8"))
        if "like" in data:  # what another release's file says holds for this one too
            other = load_running(data["like"], images)
            return replace(other, release=release) if other else None
        templates = directory / "serve"
        return Running(
            release=release,
            broker=data.get("broker", ""),
            broker_environment=data.get("broker_environment", {}),
            scripts=directory / "apis",
            always=tuple(data.get("always", ())),
            host=data["host"],
            processes=tuple(_process(entry) for entry in data["process"]),
            environment=data.get("environment", {}),
            given=tuple(Given(e["name"], e["service"], e["sql"]) for e in data.get("given", ())),
            rounds=tuple(_script(entry) for entry in data.get("round", ())),
            listings=tuple(Listing(e["name"], e["service"], e["sql"]) for e in data.get("listing", ())),
            checks=tuple(_check(entry) for entry in data.get("check", ())),
            explained=tuple(Explained(**e) for e in data.get("explained", ())),
            account=data.get("account", {}),
            expected=tuple(Expected(e["error"], e["why"]) for e in data.get("expected", ())),
            statements=tuple((e["database"], e["sql"]) for e in data.get("statement", ())),
            templates={path.name: path.read_text("utf-8") for path in sorted(templates.iterdir()) if path.is_file()},
        )
    except (OSError, tomllib.TOMLDecodeError) as fault:
        raise LabFault(f"cannot read {file}: {fault}") from fault
    except KeyError as fault:
        raise LabFault(f"{file} lacks the key {fault}") from fault


def _process(data: Mapping[str, Any]) -> Process:
    return Process(
        name=data["name"],
        service=data["service"],
        config=tuple(data.get("config", ())),
        entry=data.get("entry", ""),
        args=tuple(data.get("args", ())),
        program=data.get("program", ""),
        environment=data.get("environment", {}),
        gettext=data.get("gettext"),
        url=data.get("url", ""),
        queue=data.get("queue", ""),
        once=data.get("once", False),
        after=tuple(data.get("after", ())),
        level=data.get("level", "smoke"),
        hosts=data.get("hosts", ""),
    )


def _script(data: Mapping[str, Any]) -> Script:
    return Script(
        name=data["name"],
        file=data["file"],
        needs=tuple(data.get("needs", ())),
        service=data["service"],
        config=tuple(data.get("config", ())),
        level=data.get("level", "smoke"),
    )


def _check(data: Mapping[str, Any]) -> AfterCheck:
    return AfterCheck(
        name=data["name"],
        service=data["service"],
        columns=tuple(data["columns"].split()),
        sql=data["sql"],
        message=data["message"],
        consequence=data["consequence"],
        level=data.get("level", "smoke"),
    )
