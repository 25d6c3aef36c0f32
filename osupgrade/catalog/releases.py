"""Reading the releases and paths that are described under ``images/``: a release is data, not code."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, load_toml, read_toml, validate
from osupgrade.catalog.operators import load_operator
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Sql
from osupgrade.model.plan import Plan, find_path, make_plan
from osupgrade.model.release import (
    Arrival,
    Command,
    Database,
    DataStop,
    Finish,
    Operator,
    Pin,
    Preparation,
    Release,
    ServiceRelease,
    Started,
    UpgradePath,
)


class _Statement(Strict):
    database: str
    statement: str


class _Started(_Statement):
    title: str
    unfinished: str


class _Stop(Strict):
    at: tuple[str, ...]
    why: str
    rows: str = ""
    database: str = ""
    unfinished: str = ""
    silent: bool = False


class _Service(Strict):
    databases: tuple[Database, ...]
    upgrade: tuple[Command, ...]
    create: tuple[Command, ...] | None = None
    check: tuple[Command, ...] = ()
    config: tuple[str, ...] | None = None
    tag: str = ""
    commit: str = ""
    package: str | None = None
    relocate: tuple[_Statement, ...] = ()
    started: tuple[_Started, ...] = ()
    reports: dict[str, int | str] = Field(default_factory=dict)
    has_tables: frozenset[str] = frozenset()
    lacks_tables: frozenset[str] = frozenset()
    volatile: tuple[str, ...] = ()
    oldest_source: str = ""
    stops: tuple[_Stop, ...] = ()
    arrival: Arrival | None = None
    unfinished: tuple[str, ...] = ()


class _Finish(Strict):
    service: str
    command: Command
    tables: tuple[str, ...]


class _Preparation(Strict):
    name: str
    service: str
    title: str
    cured: str = ""
    commands: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()


class _Release(Strict):
    name: str
    version: str
    runtime: str
    like: str = ""
    absent: tuple[str, ...] = ()
    services: dict[str, _Service]
    environment: dict[str, str] = Field(default_factory=dict)
    upgrades_from: tuple[str, ...]
    rule: str
    finishes: dict[str, _Finish] = Field(default_factory=dict)
    driver: str = "mysql"
    preparations: tuple[_Preparation, ...] = ()
    starting: str = ""
    seed: str = ""
    databases: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


class _Path(Strict):
    releases: tuple[str, ...]
    finish: str | None = None
    databases: tuple[str, ...]
    carries: tuple[str, ...] = ()
    checks: tuple[str, ...]


@functools.cache
def load_releases(images: Path | None = None) -> Mapping[str, Release]:
    """Every release described by ``images/*/release.toml``; raises UsageFault naming the file and the key."""
    directory = images or content.images()
    found = {}
    for file in sorted(directory.glob("*/release.toml")):
        release = _release(file)
        found[release.name] = release
    return _with_operators(found, directory)


def _with_operators(releases: Mapping[str, Release], images: Path) -> Mapping[str, Release]:
    """The releases with what operators type: an ``operator.toml`` holds until a later release's changes it."""
    known = {}
    operator = Operator()
    for release in sorted(releases.values(), key=lambda release: release.version):
        file = images / release.name / "operator.toml"
        operator = load_operator(file, operator) if file.exists() else operator
        known[release.name] = dataclasses.replace(release, operator=operator)
    return {name: known[name] for name in releases}


@functools.cache
def load_paths(images: Path | None = None) -> Mapping[str, UpgradePath]:
    """The paths of ``images/paths.toml`` by name."""
    file = (images or content.images()) / "paths.toml"
    return {name: _path(name, validate(data, _Path, f"{file}: {name}")) for name, data in read_toml(file).items()}


class _Nightly(Strict):
    routes: tuple[str, ...]


def nightly_routes(images: Path | None = None) -> tuple[str, ...]:
    """The routes of ``images/nightly.toml``: what a nightly rehearses besides the named paths."""
    return load_toml((images or content.images()) / "nightly.toml", _Nightly).routes


def plan_named(path: str, services: Sequence[str] = ()) -> Plan:
    """The plan for a path or route by its name, narrowed to some services; raises UsageFault for an unknown one."""
    releases = load_releases()
    return make_plan(find_path(load_paths(), releases, path), releases, services)


def usual_path() -> str:
    """The first path of ``images/paths.toml``: the one that is meant where none is named."""
    return next(iter(load_paths()))


def _path(name: str, read: _Path) -> UpgradePath:
    return UpgradePath(
        name=name,
        releases=read.releases,
        finish=read.finish,
        databases=read.databases,
        carries=read.carries,
        checks=read.checks,
    )


def _release(file: Path) -> Release:
    data, places = _described(file)
    read = validate(data, _Release, str(file))
    return Release(
        name=read.name,
        version=read.version,
        runtime=read.runtime,
        services={name: _service(places, read.name, name, each) for name, each in read.services.items()},
        environment=read.environment,
        upgrades_from=read.upgrades_from,
        rule=read.rule,
        finishes={f: Finish(f, d.service, read.name, d.command, d.tables) for f, d in read.finishes.items()},
        driver=read.driver,
        preparations=tuple(_preparation(each) for each in read.preparations),
        starting=read.starting,
        seed=read.seed,
        databases=read.databases,
        checks=read.checks,
    )


def _described(file: Path, likes: tuple[Path, ...] = ()) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """What a release.toml says, with what it leaves to the release that it is ``like``; the directories of both.

    A service's own keys come before those of that release's service. Services named in ``absent`` are left out.
    """
    if file in likes:
        raise UsageFault(
            f"{file} refers to itself with `like`: {' -> '.join(path.parent.name for path in (*likes, file))}"
        )
    data = read_toml(file)
    if not isinstance(data.get("like"), str):
        return data, (file.parent,)
    base, places = _described(file.parent.parent / data["like"] / file.name, (*likes, file))
    own, inherited, absent = data.get("services", {}), base.get("services", {}), data.get("absent", ())
    if not all(isinstance(table, dict) for table in (own, inherited, *own.values())):
        return data, (file.parent, *places)  # not valid, as it will be found
    names = [name for name in dict.fromkeys((*inherited, *own)) if name not in absent]
    services = {name: {**inherited.get(name, {}), **own.get(name, {})} for name in names}
    shared = {key: base[key] for key in _INHERITED if key in base}
    return {**shared, **data, "services": services}, (file.parent, *places)


_INHERITED = ("environment", "driver", "databases", "checks")
"""What a release takes over from the one that it is like, besides its services."""


def _service(places: Sequence[Path], release: str, service: str, read: _Service) -> ServiceRelease:
    files = (f"{service}.conf",) if read.config is None else read.config
    return ServiceRelease(
        service=service,
        release=release,
        databases=tuple(dataclasses.replace(each, head=tuple(sorted(each.head))) for each in read.databases),
        upgrade=read.upgrade,
        create=read.upgrade if read.create is None else read.create,
        check=read.check,
        config={name: _template(places, name) for name in files},
        pin=Pin(read.tag, read.commit) if read.commit else None,
        package=read.package,
        version=_pinned(places[0] / "requirements.txt", read.package) if read.package else "",
        relocate=tuple(Sql(each.database, each.statement) for each in read.relocate),
        started=tuple(_started(each, read.reports) for each in read.started),
        has_tables=read.has_tables,
        lacks_tables=read.lacks_tables,
        volatile=read.volatile,
        oldest_source=read.oldest_source,
        stops=tuple(_stop(each) for each in read.stops),
        arrival=read.arrival,
        unfinished=read.unfinished,
    )


def _template(places: Sequence[Path], name: str) -> str:
    for place in places:
        if (place / "config" / name).is_file():
            return (place / "config" / name).read_text("utf-8")
    raise UsageFault(f"there is no {places[0] / 'config' / name}")


def _started(read: _Started, reports: Mapping[str, object]) -> Started:
    """``reports`` are the values that the release's services write, for the names in braces."""
    texts = [read.statement, read.title, read.unfinished]
    for name, value in reports.items():
        texts = [text.replace(f"{{{name}}}", str(value)) for text in texts]
    return Started(Sql(read.database, texts[0]), texts[1], texts[2])


def _stop(read: _Stop) -> DataStop:
    unfinished = Sql(read.database, read.unfinished) if read.unfinished else None
    return DataStop(read.at, read.why, read.rows, unfinished, read.silent)


def _pinned(requirements: Path, package: str) -> str:
    """The version of a package in a file of pins; raises UsageFault where it is not pinned there."""
    try:
        text = requirements.read_text("utf-8")
    except OSError as fault:
        raise UsageFault(f"cannot read {requirements}: {fault.strerror}") from fault
    found = re.search(rf"^{re.escape(package)}==(\S+)", text, re.MULTILINE)
    if not found:
        raise UsageFault(f"{requirements} does not pin {package}")
    return found[1]


def _preparation(read: _Preparation) -> Preparation:
    return Preparation(
        name=read.name,
        service=read.service,
        title=read.title,
        cured=read.cured,
        commands=read.commands,
        steps=tuple(Sql(read.service, statement) for statement in read.statements),
    )
