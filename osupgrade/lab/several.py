"""Several calls of a service's programs inside a container, made by a process that imports the first program once.

Importing nova-manage takes three seconds of processor time, and most of its calls in an upgrade take a tenth of one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from docker.models.containers import Container

from osupgrade.lab.exec import Cut, ToolRun, begun, stream_in
from osupgrade.lab.observer.recorder import INSIDE


@dataclass(frozen=True)
class Call:
    """One call: what it is given, the exit statuses after which the next call follows, and where it is observed.

    ``entry`` is a ``module:function``. ``record`` is a path inside the container and the mark after which the call
    prints what it wrote there.
    """

    entry: str
    arguments: tuple[str, ...]
    accepts: tuple[int, ...] = (0,)
    record: tuple[str, str] | None = None


@dataclass
class Ends:
    """Parts a stream at the lines, each begun by ``mark``, that say how a call ended. They may come in pieces."""

    mark: bytes
    said: list[tuple[int, float]] = field(default_factory=list)
    """Exit status and seconds of every call that has ended."""
    _held: bytes = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """What the calls printed: more of the one that ran before, then of each that began since.

        What may be the beginning of such a line is kept back.
        """
        data, texts = self._held + chunk, []
        while True:
            before, found, after = data.partition(self.mark)
            line, whole, rest = after.partition(b"\n")
            if not whole or not found:
                break
            status, seconds = json.loads(line)
            self.said.append((int(status), float(seconds)))
            texts.append(before)
            data = rest
        start = data.find(self.mark)
        if start < 0:
            start = len(data) - begun(data, self.mark)
        self._held = data[start:]
        return [*texts, data[:start]]

    def close(self) -> bytes:
        """What looked like the beginning of such a line and was none."""
        held, self._held = self._held, b""
        return held


@dataclass
class _Heard:
    """What the calls printed so far, call by call, and into a log."""

    marks: Sequence[bytes]
    """The mark of every call's record; empty where it is not observed."""
    log: IO[bytes] | None
    printed: list[list[bytes]] = field(init=False)
    cuts: list[Cut | None] = field(init=False)

    def __post_init__(self) -> None:
        self.printed = [[] for _ in self.marks]
        self.cuts = [Cut(mark) if mark else None for mark in self.marks]

    def keep(self, number: int, text: bytes, *, output: bool) -> None:
        """Keep what a call printed; of its standard output without its record."""
        number = min(number, len(self.marks) - 1)
        cut = self.cuts[number]
        self._add(number, cut.feed(text) if cut and output else text)

    def close(self, number: int) -> None:
        """Keep what looked like the beginning of a record, of a call that has ended."""
        number = min(number, len(self.marks) - 1)
        if cut := self.cuts[number]:
            self._add(number, cut.close())

    def _add(self, number: int, text: bytes) -> None:
        self.printed[number].append(text)
        if self.log:
            self.log.write(text)
            self.log.flush()


def run_several(
    container: Container,
    argv: Sequence[str],
    calls: Sequence[Call],
    *,
    gettext: str | None = None,
    environment: Mapping[str, str] | None = None,
    workdir: str | None = None,
    log: Path | None = None,
) -> list[ToolRun]:
    """Make calls up to the first that ends with a status it does not accept; the first one's program is imported once.

    ``argv`` starts an interpreter with what each call would be started with alone; that is what the runs say of
    themselves. What is printed is appended to ``log``. Raises LabFault when the container goes away underneath it.
    """
    mark = f"osupgrade-call-{secrets.token_hex(16)}:"
    wanted = {
        "entry": calls[0].entry,
        "gettext": gettext,
        "mark": mark,
        "calls": [dataclasses.asdict(call) for call in calls],
    }
    ends = Ends(mark.encode()), Ends(mark.encode())
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(log.open("ab")) if log else None
        heard = _Heard([call.record[1].encode() if call.record else b"" for call in calls], file)

        def hear(printed: bytes, complained: bytes) -> None:
            for stream, chunk in zip(ends, (printed, complained), strict=True):
                first = len(stream.said)
                for number, text in enumerate(stream.feed(chunk), first):
                    heard.keep(number, text, output=stream is ends[0])
                    if number < len(ends[0].said):
                        heard.close(number)

        command = [argv[0], f"{INSIDE}/osupgrade_several.py", json.dumps(wanted)]
        status = stream_in(container, command, hear, environment=environment, workdir=workdir)
        for stream in ends:
            heard.keep(len(stream.said), stream.close(), output=stream is ends[0])
        heard.close(len(ends[0].said))
    said = ends[0].said if not status else [*ends[0].said, (status, 0.0)]  # the first process itself ended badly
    return [
        ToolRun(
            (*argv, call.entry, *call.arguments),
            status,
            b"".join(printed).decode("utf-8", "replace"),
            seconds,
            log,
            cut.rest if cut else None,
        )
        for (status, seconds), call, printed, cut in zip(said, calls, heard.printed, heard.cuts, strict=False)
    ]
