"""Reading the releases and paths that are described under ``images/``: a release is data, not code."""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from osupgrade.catalog import content
from osupgrade.catalog.operators import load_operator
from osupgrade.model.errors import LabFault
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


@functools.cache
def load_releases(images: Path | None = None) -> Mapping[str, Release]:
    """Every release described by ``images/*/release.toml``; raises LabFault naming the file and the key."""
    directory = images or content.images()
    found = {}
    for file in sorted(directory.glob("*/release.toml")):
        release = _release(file)
        found[release.name] = release
    return _with_operators(found, directory)


def _with_operators(releases: Mapping[str, Release], images: Path) -> Mapping[str, Release]:
    """The releases with what operators type, which holds from one ``operator.toml`` to that of a later release."""
    known = {}
    operator = Operator()
    for release in sorted(releases.values(), key=lambda release: release.version):
        file = images / release.name / "operator.toml"
        operator = load_operator(file) if file.exists() else operator
        known[release.name] = dataclasses.replace(release, operator=operator)
    return {name: known[name] for name in releases}


@functools.cache
def load_paths(images: Path | None = None) -> Mapping[str, UpgradePath]:
    """The paths of ``images/paths.toml`` by name."""
    file = (images or content.images()) / "paths.toml"
    return {name: _path(name, data) for name, data in _toml(file).items()}


def plan_named(path: str, services: Sequence[str] = ()) -> Plan:
    """The plan for a path or route by its name, narrowed to some services; raises UsageFault for an unknown one."""
    releases = load_releases()
    return make_plan(find_path(load_paths(), releases, path), releases, services)


def usual_path() -> str:
    """The first path of ``images/paths.toml``: the one that is meant where none is named."""
    return next(iter(load_paths()))


def _path(name: str, data: Mapping[str, Any]) -> UpgradePath:
    return UpgradePath(
        name=name,
        releases=tuple(data["releases"]),
        finish=data.get("finish"),
        databases=tuple(data["databases"]),
        carries=tuple(data.get("carries", ())),
        checks=tuple(data["checks"]),
    )


def _release(file: Path) -> Release:
    data, places = _described(file)
    try:
        name = data["name"]
        services = {s: _service(places, name, s, d) for s, d in data["services"].items()}
        return Release(
            name=name,
            version=data["version"],
            runtime=data["runtime"],
            services=services,
            environment=data.get("environment", {}),
            upgrades_from=tuple(data["upgrades_from"]),
            rule=data["rule"],
            finishes={f: _finish(name, f, d) for f, d in data.get("finishes", {}).items()},
            driver=data.get("driver", "mysql"),
            preparations=tuple(_preparation(d) for d in data.get("preparations", ())),
            starting=data.get("starting", ""),
            seed=data.get("seed", ""),
            databases=tuple(data.get("databases", ())),
            checks=tuple(data.get("checks", ())),
        )
    except KeyError as fault:
        raise LabFault(f"{file} lacks the key {fault}") from fault


def _described(file: Path, likes: tuple[Path, ...] = ()) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """What a release.toml says, with what it leaves to the release that it is ``like``; the directories of both.

    A service's own keys come before those of that release's service. Services named in ``absent`` are left out.
    """
    data = _toml(file)
    if file in likes:
        raise LabFault(f"{file} is like itself: {' -> '.join(path.parent.name for path in (*likes, file))}")
    if "like" not in data:
        return data, (file.parent,)
    base, places = _described(file.parent.parent / data["like"] / file.name, (*likes, file))
    own = data.get("services", {})
    names = [name for name in (*base["services"], *own) if name not in data.get("absent", ())]
    services = {name: {**base["services"].get(name, {}), **own.get(name, {})} for name in names}
    shared = {key: base[key] for key in _INHERITED if key in base}
    return {**shared, **data, "services": services}, (file.parent, *places)


_INHERITED = ("environment", "driver", "databases", "checks")
"""What a release takes over from the one that it is like, besides its services."""


def _service(places: Sequence[Path], release: str, service: str, data: Mapping[str, Any]) -> ServiceRelease:
    files, package = data.get("config", [f"{service}.conf"]), data.get("package")
    return ServiceRelease(
        service=service,
        release=release,
        databases=tuple(_database(d) for d in data["databases"]),
        upgrade=tuple(_command(d) for d in data["upgrade"]),
        create=tuple(_command(d) for d in data.get("create", data["upgrade"])),
        check=tuple(_command(d) for d in data.get("check", ())),
        config={name: _template(places, name) for name in files},
        pin=Pin(data["tag"], data["commit"]) if "commit" in data else None,
        package=package,
        version=_pinned(places[0] / "requirements.txt", package) if package else "",
        relocate=tuple(Sql(d["database"], d["statement"]) for d in data.get("relocate", ())),
        started=tuple(_started(d, data.get("reports", {})) for d in data.get("started", ())),
        has_tables=frozenset(data.get("has_tables", ())),
        lacks_tables=frozenset(data.get("lacks_tables", ())),
        volatile=tuple(data.get("volatile", ())),
        oldest_source=data.get("oldest_source", ""),
        stops=tuple(_stop(d) for d in data.get("stops", ())),
        arrival=_arrival(data["arrival"]) if "arrival" in data else None,
        unfinished=tuple(data.get("unfinished", ())),
    )


def _template(places: Sequence[Path], name: str) -> str:
    for place in places:
        if (place / "config" / name).is_file():
            return (place / "config" / name).read_text("utf-8")
    raise LabFault(f"there is no {places[0] / 'config' / name}")


def _database(data: Mapping[str, Any]) -> Database:
    return Database(
        data["name"], data["version_table"], tuple(sorted(data["head"])), tuple(data.get("repositories", ()))
    )


def _started(data: Mapping[str, Any], reports: Mapping[str, object]) -> Started:
    """``reports`` are the values that the release's services write, for the names in braces."""
    texts = [data[key] for key in ("statement", "title", "unfinished")]
    for name, value in reports.items():
        texts = [text.replace(f"{{{name}}}", str(value)) for text in texts]
    return Started(Sql(data["database"], texts[0]), texts[1], texts[2])


def _stop(data: Mapping[str, Any]) -> DataStop:
    unfinished = Sql(data["database"], data["unfinished"]) if "unfinished" in data else None
    return DataStop(tuple(data["at"]), data["why"], data.get("rows", ""), unfinished, data.get("silent", False))


def _arrival(data: Mapping[str, Any]) -> Arrival:
    return Arrival(data["source"], data["database"], tuple(data["tables"]), _command(data["command"]))


def _pinned(requirements: Path, package: str) -> str:
    """The version of a package in a file of pins; raises LabFault where it is not pinned there."""
    found = re.search(rf"^{re.escape(package)}==(\S+)", requirements.read_text("utf-8"), re.MULTILINE)
    if not found:
        raise LabFault(f"{requirements} does not pin {package}")
    return found[1]


def _finish(release: str, name: str, data: Mapping[str, Any]) -> Finish:
    return Finish(name, data["service"], release, _command(data["command"]), tuple(data["tables"]))


def _preparation(data: Mapping[str, Any]) -> Preparation:
    return Preparation(
        name=data["name"],
        service=data["service"],
        title=data["title"],
        cured=data.get("cured", ""),
        commands=tuple(data.get("commands", ())),
        steps=tuple(Sql(data["service"], statement) for statement in data.get("statements", ())),
    )


def _command(data: Mapping[str, Any]) -> Command:
    return Command(
        name=data["name"],
        entry=data["entry"],
        args=tuple(data.get("args", ())),
        gettext=data.get("gettext"),
        accepts=tuple(data.get("accepts", (0,))),
        ignores=tuple(data.get("ignores", ())),
        online=data.get("online", False),
    )


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as fault:
        raise LabFault(f"cannot read {file}: {fault}") from fault
