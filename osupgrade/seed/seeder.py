"""Seeding: Grizzly's own code fills the databases, inside the container that holds it."""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from osupgrade.errors import LabFault, UsageFault
from osupgrade.seed.description import CloudDescription

SCRIPTS = Path(__file__).with_name("grizzly")
DIRECTORY = "/tmp/osupgrade-seed"
PYTHON = "/opt/venv/bin/python"
LAB = "/opt/lab"

# Nova needs quantum's API, so seed_quantum.py runs seed_nova.py; glance and cinder register what nova made.
WAVES = (("keystone", "neutron"), ("glance", "cinder"))
SCRIPT_OF = {
    "keystone": "seed_keystone.py",
    "neutron": "seed_quantum.py",
    "glance": "seed_glance.py",
    "cinder": "seed_cinder.py",
}
SERVICES = ("keystone", "glance", "cinder", "nova", "neutron")

_TAIL = 40


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
    """The first release's container: its services' trees below /src, its Python in /opt/venv."""

    def put(self, path: str, content: bytes) -> None:
        """Write a file, and the directories above it."""
        ...

    def run(self, argv: Sequence[str], env: Mapping[str, str] | None = ..., workdir: str | None = ...) -> Ran:
        """Run a program to its end. Called from several threads at once."""
        ...


@dataclass(frozen=True)
class Seeded:
    """One script that has done its part."""

    service: str
    seconds: float


Progress = Callable[[str], None]


def seed(
    description: CloudDescription,
    toolbox: Toolbox,
    databases: Mapping[str, str],
    progress: Progress = lambda _line: None,
    *,
    trees: str = "/src",
) -> tuple[Seeded, ...]:
    """Fill the databases of all five services; Grizzly's own tools have made their schemas, and they hold nothing else.

    ``databases`` maps service (``keystone glance cinder nova neutron``) to its database's URL as the container reaches
    it, with ``charset=utf8``; whatever driver it names, Grizzly gets the one it knows. ``progress`` gets one line for
    each script that ends. Returns what each took. Raises UsageFault when a service is missing, because each refers to
    the others, and LabFault with the script's last lines when one fails.
    """
    missing = [service for service in SERVICES if service not in databases]
    if missing:
        raise UsageFault(
            f"the seeded cloud needs all five services; missing: {', '.join(missing)}",
            hint="give --dump for a cloud of fewer services",
        )
    for name, content in script_files():
        toolbox.put(f"{DIRECTORY}/{name}", content)
    told = {
        "cloud": description.as_json(),
        "databases": {service: f"mysql{url[url.index('://') :]}" for service, url in databases.items()},
        "trees": {service: f"{trees}/{service}" for service in SERVICES},
        "directory": DIRECTORY,
    }
    toolbox.put(f"{DIRECTORY}/cloud.json", json.dumps(told, indent=1, sort_keys=True).encode())
    done: list[Seeded] = []
    for wave in WAVES:
        with concurrent.futures.ThreadPoolExecutor(len(wave)) as pool:
            running = {pool.submit(_run_script, toolbox, service, trees): service for service in wave}
            for future in concurrent.futures.as_completed(running):
                service = running[future]
                seconds = future.result()
                done.append(Seeded(service, seconds))
                what = "neutron and nova" if service == "neutron" else service
                progress(f"seeded {what} in {seconds:.1f} s")
    return tuple(done)


def script_files() -> Iterable[tuple[str, bytes]]:
    """The seeding scripts, in the order of their names."""
    for path in sorted(SCRIPTS.glob("*.py")):
        yield path.name, path.read_bytes()


def seed_digest(description: CloudDescription, *parts: str) -> str:
    """The hash of everything that makes a seeded cloud: description, scripts, and ``parts``.

    ``parts`` are what only the caller knows: commits of the services, the release image's id, the database's version.
    """
    digest = hashlib.sha256(description.digest().encode())
    for name, content in script_files():
        digest.update(f"\n{name} {hashlib.sha256(content).hexdigest()}".encode())
    for part in parts:
        digest.update(f"\n{part}".encode())
    return digest.hexdigest()


def _run_script(toolbox: Toolbox, service: str, trees: str) -> float:
    """Run one script; returns its seconds."""
    argv = [PYTHON, "-u", f"{DIRECTORY}/{SCRIPT_OF[service]}", f"{DIRECTORY}/cloud.json"]
    env = {
        "PYTHONPATH": f"{trees}/{service}:{LAB}",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Nothing was built: this is what the trees' version modules ask for instead.
        "OSLO_PACKAGE_VERSION": "2013.1.5",
        "OSUPGRADE_LAB": LAB,
    }
    ran = toolbox.run(argv, env=env, workdir=DIRECTORY)
    if ran.exit_status != 0:
        tail = "\n".join(ran.output.splitlines()[-_TAIL:])
        raise LabFault(
            f"seeding {service} failed: {SCRIPT_OF[service]} ended with {ran.exit_status}",
            hint="osupgrade doctor",
            evidence=tail,
        )
    return ran.seconds
