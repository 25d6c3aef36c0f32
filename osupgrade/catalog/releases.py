"""Reading the releases and paths that are described under ``images/``: a release is data, not code."""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osupgrade.catalog import content
from osupgrade.catalog.operators import load_operator
from osupgrade.model.errors import LabFault
from osupgrade.model.finding import Sql
from osupgrade.model.release import (
    Command,
    Database,
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
    data = _toml(file)
    try:
        name = data["name"]
        return Release(
            name=name,
            version=data["version"],
            runtime=data["runtime"],
            services={s: _service(file.parent, name, s, d) for s, d in data["services"].items()},
            environment=data.get("environment", {}),
            upgrades_from=tuple(data["upgrades_from"]),
            rule=data["rule"],
            finishes={f: _finish(name, f, d) for f, d in data.get("finishes", {}).items()},
            driver=data.get("driver", "mysql"),
            preparations=tuple(_preparation(d) for d in data.get("preparations", ())),
            starting=data.get("starting", ""),
            seed=data.get("seed", ""),
        )
    except KeyError as fault:
        raise LabFault(f"{file} lacks the key {fault}") from fault


def _service(directory: Path, release: str, service: str, data: Mapping[str, Any]) -> ServiceRelease:
    files = data.get("config", [f"{service}.conf"])
    config, package = directory / "config", data.get("package")
    return ServiceRelease(
        service=service,
        release=release,
        databases=tuple(Database(d["name"], d["version_table"], tuple(sorted(d["head"]))) for d in data["databases"]),
        upgrade=tuple(_command(d) for d in data["upgrade"]),
        create=tuple(_command(d) for d in data.get("create", data["upgrade"])),
        check=tuple(_command(d) for d in data.get("check", ())),
        config={name: (config / name).read_text("utf-8") for name in files},
        pin=Pin(data["tag"], data["commit"]) if "commit" in data else None,
        package=package,
        version=_pinned(directory / "requirements.txt", package) if package else "",
        relocate=tuple(Sql(d["database"], d["statement"]) for d in data.get("relocate", ())),
        started=tuple(
            Started(Sql(d["database"], d["statement"]), d["title"], d["unfinished"]) for d in data.get("started", ())
        ),
        has_tables=frozenset(data.get("has_tables", ())),
        lacks_tables=frozenset(data.get("lacks_tables", ())),
        volatile=tuple(data.get("volatile", ())),
    )


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
