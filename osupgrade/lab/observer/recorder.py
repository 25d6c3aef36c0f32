"""Taking the observer into a tool's process, and its lines out of the container into the run directory."""

from __future__ import annotations

import itertools
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docker.models.containers import Container

from osupgrade.lab.engine import put_files
from osupgrade.lab.observer.record import Observed, read_record

INSIDE = "/lab/observe"
"""Where the observer lies in a release's container; the directory is first on the tool's PYTHONPATH."""
_NUMBERS = itertools.count()


def put_observer(container: Container) -> None:
    """Lay the observer's files into a release's container."""
    here = Path(__file__).parent / "inside"
    put_files(container, {f"{INSIDE}/{path.name}": path.read_bytes() for path in sorted(here.glob("*.py"))})
    # Tools write no bytecode, and compiling the observer again takes 4 ms of every call; nobody needs to wait for this.
    container.exec_run(["/opt/venv/bin/python", "-m", "compileall", "-q", INSIDE], detach=True)


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

    def place(self) -> tuple[str, str]:
        """Where the next call shall write, inside its container, and the mark after which it prints that."""
        return f"{INSIDE}/{next(_NUMBERS)}.jsonl", f"osupgrade-record-{secrets.token_hex(16)}:"

    def environment(
        self, place: str, mark: str, environment: Mapping[str, str], *, later: bool = False
    ) -> dict[str, str]:
        """A tool's environment with the observer in it, which prints what it wrote down after ``mark`` in the end.

        With ``later`` it writes nothing until each call names its own place: see lab/several.py.
        Asking the engine for the file afterwards takes 40 ms, which is a tenth of a short hop.
        """
        return {
            **environment,
            "PYTHONPATH": f"{INSIDE}:{environment['PYTHONPATH']}",
            "OSUPGRADE_OBSERVE": place,
            "OSUPGRADE_OBSERVE_MARK": mark,
            "OSUPGRADE_OBSERVE_FROM": f"{time.monotonic() - self._began:.6f}",
            "OSUPGRADE_OBSERVE_ACCOUNT": self.account,
            **({"OSUPGRADE_OBSERVE_LATER": "yes"} if later else {}),
        }

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
