"""Taking the observer into a tool's process, and its lines out of the container into the run directory."""

from __future__ import annotations

import itertools
import json
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from docker.models.containers import Container

from osupgrade.engine.lab import put_files
from osupgrade.observe.record import Observed, read_record

INSIDE = "/lab/observe"
"""Where the observer stands in a release's container; the directory is first on the tool's PYTHONPATH."""
_TELL = 'place=$1; mark=$2; shift 2; "$@"; status=$?; printf %s "$mark"; cat "$place" 2>/dev/null; exit $status'
_NUMBERS = itertools.count()


def put_observer(container: Container) -> None:
    """Lay the observer's files into a release's container."""
    here = Path(__file__).parent / "inside"
    put_files(container, {f"{INSIDE}/{path.name}": path.read_bytes() for path in sorted(here.glob("*.py"))})


@dataclass
class Recorder:
    """Collects what all calls of one step write down, in ``path``.

    ``account`` (``user:password``) may read InnoDB's tables of information_schema. Times count from the recorder's
    making.
    """

    path: Path
    account: str
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self) -> str:
        """Where the next call shall write, inside its container."""
        return f"{INSIDE}/{next(_NUMBERS)}.jsonl"

    def environment(self, place: str, environment: Mapping[str, str]) -> dict[str, str]:
        """A tool's environment with the observer in it."""
        return {
            **environment,
            "PYTHONPATH": f"{INSIDE}:{environment['PYTHONPATH']}",
            "OSUPGRADE_OBSERVE": place,
            "OSUPGRADE_OBSERVE_FROM": f"{time.monotonic() - self._began:.6f}",
            "OSUPGRADE_OBSERVE_ACCOUNT": self.account,
        }

    def telling(self, place: str, argv: Sequence[str]) -> tuple[list[str], bytes]:
        """``argv`` so that the record is printed after a mark, which comes too, when it has ended.

        Asking the engine for a file afterwards takes 40 ms, which is a tenth of a short hop.
        """
        mark = f"osupgrade-record-{secrets.token_hex(16)}:"
        return ["/bin/sh", "-c", _TELL, "sh", place, mark, *argv], mark.encode()

    def collect(self, content: bytes | None, command: str) -> None:
        """Bring what a call wrote into the step's file; None where nothing came."""
        with self._lock, self.path.open("ab") as file:
            file.write(json.dumps({"kind": "call", "command": command}).encode() + b"\n")
            if not content:
                text = f"`{command}` left no record of its migrations"
                content = json.dumps({"kind": "fault", "text": text}).encode() + b"\n"
            file.write(content)

    def read(self, step: str, service: str, databases: Mapping[str, str]) -> Observed:
        """What was recorded so far; ``databases`` maps the cloud's own names to those on the server."""
        try:
            lines = self.path.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return Observed()
        except OSError as fault:
            return Observed(faults=(f"the record cannot be read: {fault.strerror}",))
        return read_record(lines, step, service, {actual: logical for logical, actual in databases.items()})
