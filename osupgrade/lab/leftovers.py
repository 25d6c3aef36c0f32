"""What runs have on the engine, known by its labels alone: finding it, and removing it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import docker
import docker.errors

LABEL = "org.osupgrade"
"""On everything that the lab makes: ``osupgrade clean`` finds it by this."""
RUN_LABEL = "org.osupgrade.run"
"""On what belongs to one run and goes with it."""
PID_LABEL = "org.osupgrade.pid"


def run_labels(run_id: str) -> dict[str, str]:
    """What every object of a run of this process carries, from its creation on."""
    return {LABEL: "1", RUN_LABEL: run_id, PID_LABEL: str(os.getpid())}


@dataclass(frozen=True)
class Leftover:
    """Something of the lab's that is still on the engine."""

    kind: str
    name: str
    run: str
    alive: bool
    """Whether the process that made it still runs on this machine."""


def leftovers(client: docker.DockerClient, run_id: str = "") -> Iterator[Leftover]:
    """What runs (or the one of ``run_id``) have on the engine: containers, networks, volumes, in the order of removal.

    Caches are not left-overs.
    """
    wanted: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={run_id}" if run_id else RUN_LABEL}
    for container in client.containers.list(all=True, filters=wanted, ignore_removed=True):
        yield _leftover("container", container.name or "", container.labels)
    for network in client.networks.list(filters=wanted):
        yield _leftover("network", network.name or "", (network.attrs or {}).get("Labels") or {})
    for volume in client.volumes.list(filters=wanted):
        yield _leftover("volume", volume.name or "", (volume.attrs or {}).get("Labels") or {})


def remove_leftover(client: docker.DockerClient, leftover: Leftover) -> None:
    """Remove one left-over; gone already is fine."""
    with contextlib.suppress(docker.errors.NotFound):
        if leftover.kind == "container":
            client.containers.get(leftover.name).remove(force=True, v=True)
        elif leftover.kind == "network":
            client.networks.get(leftover.name).remove()
        else:
            client.volumes.get(leftover.name).remove(force=True)


def _leftover(kind: str, name: str, labels: Mapping[str, str]) -> Leftover:
    pid = labels.get(PID_LABEL, "")
    return Leftover(kind, name, labels.get(RUN_LABEL, ""), pid.isdigit() and runs(int(pid)))


def runs(pid: int) -> bool:
    """Whether a process runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
