"""Seeding: a first release's own code fills the databases, inside the container that holds it.

``images/RELEASE/seed/`` holds a release's scripts; ``seeder.toml`` beside them says in which order they run.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import Field

from osupgrade.catalog import content
from osupgrade.catalog.loading import Strict, load_toml
from osupgrade.lab.parallel import threads
from osupgrade.model.errors import LabFault, UsageFault
from osupgrade.seed.description import CloudDescription

DIRECTORY = "/tmp/osupgrade-seed"
PYTHON = "/opt/venv/bin/python"
LAB = "/opt/lab"

_TAIL = 40


@dataclass(frozen=True)
class Seeder:
    """The scripts that fill one release's databases.

    ``databases`` must all be there, because each refers to the others. A wave's scripts, by
    service, run side by side, wave after wave.
    """

    scripts: Path
    databases: tuple[str, ...]
    waves: tuple[Mapping[str, str], ...]
    environment: Mapping[str, str]

    def files(self) -> Iterable[tuple[str, bytes]]:
        """The scripts, in the order of their names."""
        for path in sorted(self.scripts.glob("*.py")):
            yield path.name, path.read_bytes()


class _Seeder(Strict):
    databases: tuple[str, ...]
    waves: tuple[dict[str, str], ...]
    environment: dict[str, str] = Field(default_factory=dict)


def load_seeder(name: str) -> Seeder:
    """The seeder called ``name``; raises UsageFault when there is none, as for a path that begins in the middle."""
    file = content.images() / name / "seed" / "seeder.toml"
    if not name or not file.is_file():
        known = ", ".join(sorted(path.parent.parent.name for path in content.images().glob("*/seed/seeder.toml")))
        raise UsageFault(
            f"no cloud can be seeded at this path's first release; clouds can be seeded at {known}",
            hint="give a dump, or take a path that begins there",
        )
    read = load_toml(file, _Seeder)
    return Seeder(file.parent, read.databases, read.waves, read.environment)


class Ran(Protocol):
    """How a program in the container ended."""

    @property
    def exit_status(self) -> int:
        """The program's exit status."""
        ...

    @property
    def output(self) -> str:
        """What it printed, standard output and error together."""
        ...

    @property
    def seconds(self) -> float:
        """How long it ran."""
        ...


class Toolbox(Protocol):
    """The first release's container: its Python in /opt/venv, its services' trees below /src unless installed."""

    def put(self, path: str, content: bytes) -> None:
        """Write a file, and the directories above it."""
        ...

    def run(self, argv: Sequence[str], env: Mapping[str, str] | None = ..., workdir: str | None = ...) -> Ran:
        """Run a program to its end. Called from several threads at once."""
        ...


@dataclass(frozen=True)
class Seeded:
    """One script that has done its part."""

    script: str
    seconds: float


Progress = Callable[[str], None]
AT_START = "sitecustomize.py"
"""A script that Python itself imports at the start of the tools that make the schemas."""


def prepare(seeder: Seeder, toolbox: Toolbox) -> str:
    """Put the seeder's scripts into the container, before the release's tools make the schemas.

    Returns the directory that must come first on those tools' PYTHONPATH; empty where they write no rows of chance.
    """
    for name, script in seeder.files():
        toolbox.put(f"{DIRECTORY}/{name}", script)
    return DIRECTORY if (seeder.scripts / AT_START).is_file() else ""


def seed(
    seeder: Seeder,
    description: CloudDescription,
    toolbox: Toolbox,
    databases: Mapping[str, str],
    progress: Progress = lambda _line: None,
    *,
    trees: str = "/src",
) -> tuple[Seeded, ...]:
    """Fill the databases, whose schemas the release's own tools have made and which hold nothing else.

    ``databases`` maps logical names to the URLs by which the release's code in the container reaches them. ``progress``
    gets one line for each script that ends. Returns what each took. Raises UsageFault when a database is missing, and
    LabFault with the script's last lines when one fails.
    """
    missing = [name for name in seeder.databases if name not in databases]
    if missing:
        raise UsageFault(
            f"the seeded cloud needs all of its databases; missing: {', '.join(missing)}",
            hint="give a dump of a cloud with fewer services",
        )
    prepare(seeder, toolbox)
    given = {
        "cloud": description.as_json(),
        "databases": {name: databases[name] for name in seeder.databases},
        "trees": {name: f"{trees}/{name}" for name in seeder.databases},
        "directory": DIRECTORY,
    }
    toolbox.put(f"{DIRECTORY}/cloud.json", json.dumps(given, indent=1, sort_keys=True).encode())
    done: list[Seeded] = []
    for wave in seeder.waves:
        with threads(len(wave)) as pool:
            running = {
                pool.submit(_run_script, seeder, toolbox, f"{trees}/{s}", script): script for s, script in wave.items()
            }
            for future in concurrent.futures.as_completed(running):
                script = running[future]
                done.append(Seeded(script, future.result()))
                progress(f"{script} took {done[-1].seconds:.1f} s")
    return tuple(done)


def seed_digest(seeder: Seeder, description: CloudDescription, *parts: str) -> str:
    """The hash of everything that makes a seeded cloud: description, scripts, and ``parts``.

    ``parts`` are what only the caller knows: commits of the services, the release image's id, the database's version.
    """
    digest = hashlib.sha256(description.digest().encode())
    for name, script in (*seeder.files(), ("seeder.toml", (seeder.scripts / "seeder.toml").read_bytes())):
        digest.update(f"\n{name} {hashlib.sha256(script).hexdigest()}".encode())
    for part in parts:
        digest.update(f"\n{part}".encode())
    return digest.hexdigest()


def _run_script(seeder: Seeder, toolbox: Toolbox, tree: str, script: str) -> float:
    """Run one script; returns its seconds."""
    argv = [PYTHON, "-u", f"{DIRECTORY}/{script}", f"{DIRECTORY}/cloud.json"]
    env = {
        "PYTHONPATH": f"{tree}:{LAB}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OSUPGRADE_LAB": LAB,
        **seeder.environment,
    }
    ran = toolbox.run(argv, env=env, workdir=DIRECTORY)
    if ran.exit_status != 0:
        tail = "\n".join(ran.output.splitlines()[-_TAIL:])
        raise LabFault(f"seeding failed: {script} ended with {ran.exit_status}", hint="osupgrade doctor", evidence=tail)
    return ran.seconds
