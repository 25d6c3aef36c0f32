"""Removes what a run leaves on the engine when its process dies without doing so itself: SIGKILL, or memory run out.

    python -m osupgrade.lab.reaping RUN_ID

Reads from its standard input, whose other end only that process holds. A word there dismisses it; an end without one
means that the process is dead. testcontainers' own reaper does the same from a container, where its image is available.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

from osupgrade.lab.reaper import DISMISSED

if TYPE_CHECKING:
    import docker

STILL_SECONDS = 5
"""For how long after a process has died the engine may still be making what it was asked for."""


def main(run_id: str) -> None:
    """Wait for the run's end; remove what is left of it unless dismissed."""
    if sys.stdin.buffer.read() == DISMISSED:
        return
    # Only now: nearly always it is dismissed, and then costs nothing.
    from osupgrade.lab.connect import connect

    client = connect()
    _remove(client, run_id)
    # The engine finishes what it was doing when the process died, and says so.
    until = int(time.time()) + STILL_SECONDS
    for _event in client.events(since=until - 2 * STILL_SECONDS, until=until, filters={"event": ["create", "start"]}):
        _remove(client, run_id)
    _remove(client, run_id)
    # A snapshot that the process was just making.
    from osupgrade.lab.snapshots.store import SnapshotStore

    SnapshotStore(client).sweep()


def _remove(client: docker.DockerClient, run_id: str) -> None:
    from docker.errors import APIError

    from osupgrade.lab.leftovers import leftovers, remove_leftover

    for leftover in list(leftovers(client, run_id)):
        with contextlib.suppress(APIError):
            remove_leftover(client, leftover)


if __name__ == "__main__":
    main(sys.argv[1])
