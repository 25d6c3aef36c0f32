"""Which release brings which alembic revision: ``python -m tools.revisions MIRRORS``.

It is ``make revisions ARGS=MIRRORS``: a directory of git mirrors. Only names, and what each follows, are read from the
migrations at the pinned tags; ``osupgrade/openstack/SERVICE/revisions.toml`` keeps them.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from osupgrade.catalog import content
from osupgrade.catalog.releases import load_releases
from osupgrade.model.chain import ordered
from osupgrade.model.release import ServiceRelease

PLACES: Mapping[str, tuple[str, ...]] = {
    "keystone": ("keystone/common/sql/migrations/versions/",),
    "glance": ("glance/db/sqlalchemy/alembic_migrations/versions/",),
    "cinder": ("cinder/db/migrations/versions/",),
    "nova": ("nova/db/main/migrations/versions/",),
    "nova_api": ("nova/db/api/migrations/versions/",),
    "placement": ("placement/db/sqlalchemy/alembic/versions/",),
    "neutron": (
        "quantum/db/migration/alembic_migrations/versions/",
        "neutron/db/migration/alembic_migrations/versions/",
    ),
}
"""Where each database's migrations are in its service's tree."""
_HEAD = """\
# Which release brings which revision of the services that use alembic, and which revisions each follows (with blanks
# between; empty for a first one). `make revisions ARGS=MIRRORS` reads them from the pinned tags.
"""


def read(mirror: Path, part: ServiceRelease, places: Sequence[str]) -> Mapping[str, str]:
    """Every revision below some directories of a service's release, and those that it follows."""
    found = {}
    for text in _texts(mirror, part, tuple(places)):
        said = dict(_assigned(text))
        if isinstance(said.get("revision"), str):
            after = (*_names(said.get("down_revision")), *_names(said.get("depends_on")))
            found[str(said["revision"])] = " ".join(after)
    return found


def _texts(mirror: Path, part: ServiceRelease, places: tuple[str, ...]) -> Iterator[str]:
    """The migrations at the release's tag, or out of its wheel where the mirror is older than the release."""
    tag = tag_of(part)
    tags = _git(mirror, "tag", "--list", tag)
    if tags.strip():
        for name in _git(mirror, "ls-tree", "-r", "--name-only", tag).splitlines():
            if name.startswith(places) and name.endswith(".py"):
                yield _git(mirror, "show", f"{tag}:{name}")
        return
    with tempfile.TemporaryDirectory() as scratch:
        wanted = part.code.replace(" ", "==")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*pip, "--dest", scratch, "--python-version", "3.12", wanted], check=True)
        with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
            for name in wheel.namelist():
                if name.startswith(places) and name.endswith(".py"):
                    yield wheel.read(name).decode()


def _assigned(text: str) -> Iterator[tuple[str, object]]:
    """The constants that a migration's module assigns to names. Python 2's code is parsed without its bodies."""
    lines = [
        line
        for line in text.splitlines()
        if line.startswith(("revision", "down_revision", "depends_on")) or line[:1] in " )"
    ]
    wanted: list[str] = []
    for line in lines:
        if line.startswith(("revision", "down_revision", "depends_on")):
            wanted.append(line)
        elif wanted and wanted[-1].count("(") > wanted[-1].count(")"):
            wanted[-1] += line
    for statement in wanted:
        node = ast.parse(statement).body[0]
        target = (
            node.targets[0]
            if isinstance(node, ast.Assign)
            else node.target
            if isinstance(node, ast.AnnAssign)
            else None
        )
        if isinstance(target, ast.Name) and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            yield target.id, ast.literal_eval(node.value)


def _names(said: object) -> tuple[str, ...]:
    if said is None:
        return ()
    return (
        (said,)
        if isinstance(said, str)
        else tuple(str(name) for name in said if name)
        if isinstance(said, tuple | list)
        else ()
    )


def _git(mirror: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", mirror, *words], check=True, capture_output=True, text=True).stdout


def tag_of(part: ServiceRelease) -> str:
    """The tag of a service's release: its pin's, or the version that is on PyPI."""
    return part.pin.tag if part.pin else part.code.rpartition(" ")[2]


def by_release(mirrors: Path, database: str, service: str) -> Mapping[str, Mapping[str, str]]:
    """The revisions that each release adds to those of the releases before it."""
    seen: set[str] = set()
    found = {}
    for release in ordered(load_releases().values()):
        if service in release.services:
            there = read(mirrors / f"{service}.git", release.services[service], PLACES[database])
            new = {name: after for name, after in sorted(there.items()) if name not in seen}
            seen |= new.keys()
            if new:
                found[release.name] = new
    return found


def text_of(databases: Mapping[str, Mapping[str, Mapping[str, str]]]) -> str:
    """The file of a service, by database and release."""
    lines = [_HEAD]
    for database, releases in databases.items():
        for release, revisions in releases.items():
            lines.append(f"[{database}.{release}]")
            lines += [f'"{name}" = "{after}"' for name, after in revisions.items()]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Write the files, and say how many revisions each has."""
    parser = argparse.ArgumentParser(prog="python -m tools.revisions", description=__doc__)
    parser.add_argument("mirrors", type=Path, help="a directory of bare git mirrors, SERVICE.git")
    mirrors = parser.parse_args().mirrors
    services: dict[str, list[str]] = {}
    for database in PLACES:
        services.setdefault("nova" if database == "nova_api" else database, []).append(database)
    for service, databases in services.items():
        read_now = {database: by_release(mirrors, database, service) for database in databases}
        content.service_file(service, "revisions.toml").write_text(text_of(read_now), "utf-8")
        count = sum(len(revisions) for releases in read_now.values() for revisions in releases.values())
        print(f"{service}: {count} revisions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
