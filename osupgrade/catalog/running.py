"""How a release's services run, read from ``images/RELEASE/serve.toml``: a release is data, not code."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, read_toml, validate
from osupgrade.model.errors import UsageFault
from osupgrade.model.release import CLOSED

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

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    name: str
    service: str
    config: tuple[str, ...] = ()
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

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    name: str
    file: str
    service: str
    """Whose code is importable in it."""
    needs: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    level: Level = "smoke"
    beside: bool = False
    """Whether it is asked while the round before it still is: neither changes what the other looks at."""


@dataclass(frozen=True)
class Listing:
    """What a script lists under ``name`` must be exactly the ids that ``sql`` finds in a service's database."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    name: str
    service: str
    sql: str


@dataclass(frozen=True)
class Given:
    """Rows of the cloud's database that the rounds get in hand, as they were before anything started."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    name: str
    service: str
    sql: str


@dataclass(frozen=True)
class Explained:
    """A difference between the censuses that is meant: shell patterns of kind, field and service, and why."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    kind: str
    field: str
    why: str
    service: str = "*"


@dataclass(frozen=True)
class Expected:
    """An error in a service's log that is no sign of damage: a regular expression over its last line, and why."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

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
    scripts: Mapping[str, Path]
    """The clients' scripts, and what they and the processes import first, by file name."""
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

    def asked(self, ready: frozenset[str], level: Level, *, compared: bool) -> tuple[tuple[Script, ...], ...]:
        """The rounds that the ``ready`` services can answer at ``level``, in order; a group runs side by side.

        The census is among them only where there is one of before to be ``compared`` with.
        """
        groups: list[tuple[Script, ...]] = []
        for entry in self.rounds:
            if LEVELS.index(entry.level) > LEVELS.index(level) or not set(entry.needs) <= ready:
                continue
            if entry.name == CENSUS and not compared:
                continue
            if entry.beside and groups:
                groups[-1] = (*groups[-1], entry)
            else:
                groups.append((entry,))
        return tuple(groups)


class _Check(Strict):
    name: str
    service: str
    columns: str
    sql: str
    message: str
    consequence: str
    level: Level = "smoke"


class _Statement(Strict):
    database: str
    sql: str


class _Serve(Strict):
    host: str
    process: tuple[Process, ...]
    broker: str = ""
    broker_environment: dict[str, str] = Field(default_factory=dict)
    always: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    given: tuple[Given, ...] = ()
    round: tuple[Script, ...] = ()
    listing: tuple[Listing, ...] = ()
    check: tuple[_Check, ...] = ()
    explained: tuple[Explained, ...] = ()
    account: dict[str, str] = Field(default_factory=dict)
    expected: tuple[Expected, ...] = ()
    statement: tuple[_Statement, ...] = ()


@functools.cache
def load_running(release: str, images: Path | None = None) -> Running | None:
    """How ``release`` runs; None when there is no description of it. Raises UsageFault naming the file and the key.

    A file that says ``like = "RELEASE"`` has that one's contents, but for what it says itself: an entry of a list
    takes the place of the one of its name, and a file in ``serve/`` or ``apis/`` that of the other's. Entries and files
    of the other's whose names are in ``without`` are left out.
    """
    top = images or content.images()
    file = top / release / "serve.toml"
    if not file.is_file():
        return None
    written = _inherited(top, release)
    read = validate(written.data, _Serve, str(file))
    return Running(
        release=release,
        broker=read.broker,
        broker_environment=read.broker_environment,
        scripts=written.scripts,
        always=read.always,
        host=read.host,
        processes=read.process,
        environment=read.environment,
        given=read.given,
        rounds=read.round,
        listings=read.listing,
        checks=tuple(_check(each) for each in read.check),
        explained=read.explained,
        account=read.account,
        expected=read.expected,
        statements=tuple((each.database, each.sql) for each in read.statement),
        templates={name: path.read_text("utf-8") for name, path in written.templates.items()},
    )


@dataclass(frozen=True)
class _Written:
    """What a release's ``serve.toml`` says and which files lie beside it, by their names."""

    data: dict[str, Any]
    templates: dict[str, Path]
    scripts: dict[str, Path]

    def without(self, unwanted: Any, where: str) -> _Written:
        """All but the entries and files of some names; raises UsageFault, beginning with ``where``, for others."""
        lists = {key: _by_name(value) for key, value in self.data.items()}
        known = [*self.templates, *self.scripts, *(name for named in lists.values() for name in named)]
        names = unwanted if isinstance(unwanted, list) else [unwanted]
        if unknown := [name for name in names if name not in known]:
            raise UsageFault(f"{where} has no {unknown[0]!r}")
        data = {
            key: [entry for name, entry in lists[key].items() if name not in names] if lists[key] else value
            for key, value in self.data.items()
        }
        return _Written(
            data,
            {name: path for name, path in self.templates.items() if name not in names},
            {name: path for name, path in self.scripts.items() if name not in names},
        )

    def under(self, other: _Written) -> _Written:
        """The other's, and this one's where the other has nothing of a name."""
        data = dict(self.data)
        for key, value in other.data.items():
            own = _by_name(value)
            data[key] = list((_by_name(data.get(key)) | own).values()) if own else value
        return _Written(data, self.templates | other.templates, self.scripts | other.scripts)


def _inherited(top: Path, release: str, below: tuple[str, ...] = ()) -> _Written:
    """What is written of a release, with what it takes over."""
    file = top / release / "serve.toml"
    data = read_toml(file)
    other = data.pop("like", None)
    without = data.pop("without", []) if other is not None else []
    templates = {path.name: path for path in sorted((file.parent / "serve").glob("*")) if path.is_file()}
    own = _Written(data, templates, {path.name: path for path in sorted((file.parent / "apis").glob("*.py"))})
    if other is None:
        return own
    if not isinstance(other, str) or not (top / other / "serve.toml").is_file():
        raise UsageFault(f"{file}: like: there is no {top.name}/{other}/serve.toml")
    if other in (*below, release):
        raise UsageFault(f"{file}: like: it names itself")
    return _inherited(top, other, (*below, release)).without(without, f"{file}: without: {other}").under(own)


def _by_name(entries: Any) -> dict[str, Any]:
    """The entries of a list of tables by their names; nothing of anything else."""
    if not isinstance(entries, list):
        return {}
    named = {e["name"]: e for e in entries if isinstance(e, dict) and isinstance(e.get("name"), str)}
    return named if len(named) == len(entries) else {}


def _check(read: _Check) -> AfterCheck:
    return AfterCheck(
        name=read.name,
        service=read.service,
        columns=tuple(read.columns.split()),
        sql=read.sql,
        message=read.message,
        consequence=read.consequence,
        level=read.level,
    )
