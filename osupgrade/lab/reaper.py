"""Starts the process that removes what a run leaves on the engine when its own process dies without doing so."""

from __future__ import annotations

import contextlib
import subprocess
import sys

DISMISSED = b"done\n"


class Reaper:
    """A process that outlives this one for as long as it takes to remove the run's containers."""

    def __init__(self, run_id: str) -> None:
        # Its own session: Ctrl-C is for those who clean up themselves.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "osupgrade.lab.reaping", run_id],
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
