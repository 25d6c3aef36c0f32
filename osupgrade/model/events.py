"""What happens during a rehearsal, reported as it happens: to the terminal, and to ``events.jsonl`` as evidence."""

from __future__ import annotations

import enum
import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

TELL_SECONDS = 5.0
"""How often something long says on a line of its own how far it is."""
BAR_SECONDS = 0.5
"""How often it does where the line before is drawn over."""


class Kind(enum.StrEnum):
    """The kinds of events, the vocabulary of ``events.jsonl``."""

    LAB = "lab"
    PROGRESS = "progress"
    STEP_STARTED = "step-started"
    STEP_ENDED = "step-ended"
    INJECTED = "injected"
    FINDING = "finding"
    CURED = "cured"
    CHECKED = "checked"


@dataclass(frozen=True)
class Event:
    """One thing that happened. ``seconds`` counts from the rehearsal's start."""

    seconds: float
    kind: Kind
    step: str
    service: str
    text: str
    outcome: str = ""


Listener = Callable[[Event], None]


class EventLog:
    """Collects events from all threads in one order; a context manager that owns the file."""

    def __init__(self, path: Path | None, *listeners: Listener) -> None:
        self._path = path
        self._listeners = listeners
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._file: TextIO | None = None

    def __enter__(self) -> EventLog:
        self._file = self._path.open("a", encoding="utf-8") if self._path else None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def listen(self, listener: Listener) -> None:
        """Pass on to another listener too, from now on."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def tell(self, kind: Kind, text: str, *, step: str = "", service: str = "", outcome: str = "") -> None:
        """Write the event down and pass it on."""
        with self._lock:
            event = Event(round(time.monotonic() - self._started, 3), kind, step, service, text, outcome)
            if self._file:
                self._file.write(json.dumps(asdict(event)) + "\n")
                self._file.flush()
            for listener in self._listeners:
                listener(event)
