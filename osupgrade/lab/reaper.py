"""Removes what a run leaves on the engine when its process dies without doing so itself: SIGKILL, or memory run out.

    python -m osupgrade.lab.reaper RUN_ID

Reads from its standard input, whose other end only that process holds. A word there dismisses it; an end without one
means that the process is dead. testcontainers' own reaper does the same from a container, where its image is at hand.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys

DISMISSED = b"done\n"
LOOKS = 3


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


def main(run_id: str) -> None:
    """Wait for the run's end; remove what is left of it unless dismissed."""
    if sys.stdin.buffer.read() == DISMISSED:
        return
    # Only now: nearly always it is dismissed, and then costs nothing.
    from docker.errors import APIError

    from osupgrade.lab.engine import connect, leftovers, remove_leftover

    client = connect()
    # Again, for what the engine was still starting when its process died; containers come before what they hold.
    for _ in range(LOOKS):
        for leftover in [one for one in leftovers(client) if one.run == run_id]:
            with contextlib.suppress(APIError):
                remove_leftover(client, leftover)


if __name__ == "__main__":
    main(sys.argv[1])
