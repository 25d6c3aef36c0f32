"""What :mod:`tools.chaos` does to a running command, at a random moment of it."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import docker
import docker.errors
from docker.models.containers import Container

from osupgrade.lab.database import DATA
from osupgrade.lab.leftovers import PID_LABEL

ROOM = {"disk full": "size=48k", "read only": "size=1g"}
"""Of the file system on which the runs of a point are, where that is what is done to it."""


@dataclass(frozen=True)
class Point:
    """A running command that something is done to."""

    client: docker.DockerClient
    process: subprocess.Popen[str]
    out: Path
    """The directory of its runs."""
    dice: random.Random

    def containers(self) -> list[Container]:
        """Its containers, in the order of their names."""
        found = self.client.containers.list(filters={"label": f"{PID_LABEL}={self.process.pid}"}, ignore_removed=True)
        return sorted(found, key=lambda one: one.name or "")

    def signalled(self, number: signal.Signals) -> None:
        """Send the tool a signal."""
        self.process.send_signal(number)

    def database(self) -> None:
        """Kill the database server."""
        for container in self.containers():
            if (container.name or "").endswith("-db"):
                container.kill()

    def container(self) -> None:
        """Remove a container that is not the database's."""
        others = [one for one in self.containers() if not (one.name or "").endswith("-db")]
        if others:
            self.dice.choice(others).remove(force=True)

    def network(self) -> None:
        """Take a container off its networks."""
        if found := self.containers():
            victim = self.dice.choice(found)
            for name in victim.attrs["NetworkSettings"]["Networks"]:
                self.client.networks.get(name).disconnect(victim, force=True)

    def pause(self) -> None:
        """Halt everything for a moment, as an engine under load does."""
        found = self.containers()
        for container in found:
            with contextlib.suppress(docker.errors.APIError):
                container.pause()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=self.dice.uniform(0.5, 3))
        for container in found:
            with contextlib.suppress(docker.errors.APIError):
                container.unpause()

    def missing(self) -> None:
        """Take the directory of runs away."""
        shutil.rmtree(self.out, ignore_errors=True)

    def read_only(self) -> None:
        """Let nothing more be written where its runs are."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.out)], check=True)

    def database_full(self) -> None:
        """Leave the database's file system no room beyond what is on it; it is in memory."""
        for container in self.containers():
            if (container.name or "").endswith("-db"):
                used = cast(bytes, container.exec_run(["du", "-sk", DATA], user="root").output).split(b"\t")[0]
                if not used.isdigit():  # it is coming up, or going
                    continue
                inside = ["nsenter", "--target", str(container.attrs["State"]["Pid"]), "--mount"]
                room = f"remount,size={int(used) + 64}k"
                subprocess.run([*inside, "mount", "-o", room, DATA], check=False, stderr=subprocess.DEVNULL)


DEEDS: dict[str, Callable[[Point], None]] = {
    "SIGKILL": lambda point: point.signalled(signal.SIGKILL),
    "SIGINT": lambda point: point.signalled(signal.SIGINT),
    "SIGTERM": lambda point: point.signalled(signal.SIGTERM),
    "database killed": Point.database,
    "container removed": Point.container,
    "network gone": Point.network,
    "engine pauses": Point.pause,
    "directory gone": Point.missing,
    "disk full": lambda _point: None,
    "read only": Point.read_only,
    "database full": Point.database_full,
    "two at once": lambda _point: None,
}


@contextlib.contextmanager
def own_file_system(out: Path, room: str) -> Iterator[None]:
    """A file system of its own for the run directories. Needs root, as the engine mostly does."""
    out.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", room, "osupgrade-chaos", str(out)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(out)], check=True)
