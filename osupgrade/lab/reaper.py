"""Removes what a run leaves on the engine when its process dies without doing so itself: SIGKILL, or memory run out.

    python -m osupgrade.lab.reaper RUN_ID

Reads from its standard input, whose other end only that process holds. A word there dismisses it; an end without one
means that the process is dead. testcontainers' own reaper does the same from a container, where its image is available.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import docker

DISMISSED = b"done\n"
STILL_SECONDS = 5
"""For how long after a process has died the engine may still be making what it was asked for."""


class Undertaker:
    """A process that outlives this one for as long as it takes to remove the run's containers."""

    def __init__(self, run_id: str) -> None:
        # Its own session: Ctrl-C is for those who clean up themselves.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "osupgrade.lab.reaper", run_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """There is nothing to remove, or it is meant to stay. A second time does nothing."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                stdin.write(DISMISSED)
                stdin.flush()
            with contextlib.suppress(BrokenPipeError):
                stdin.close()
            self._process.wait()

    def leave_to_it(self) -> None:
        """Something is left that could not be removed yet: the process that was started does it from now on."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()


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
