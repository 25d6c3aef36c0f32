"""Running commands inside containers, with their output streamed to a log as it appears."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import docker.errors
import requests
from docker.models.containers import Container
from docker.types import CancellableStream

from osupgrade.model.errors import LabFault, MissingFault

_T = TypeVar("_T")
KILLED = 137
"""The exit status of what SIGKILL ended."""
_STOPPED_HINT = "check whether memory ran out or somebody removed it, then try again"


@dataclass(frozen=True)
class ToolRun:
    """How a command inside a container ended. ``seconds`` is wall time, ``output`` both streams together."""

    argv: tuple[str, ...]
    exit_status: int
    output: str
    seconds: float
    log: Path | None = None
    rest: bytes | None = None
    """What followed the mark, where one was given and printed."""
    stopped: str = ""
    """Why the lab ended what it had the database server do, where it did."""

    @property
    def ok(self) -> bool:
        """Whether it exited 0."""
        return self.exit_status == 0


def begun(data: bytes, mark: bytes) -> int:
    """How many bytes at the end of ``data`` may be the beginning of ``mark``."""
    longest = min(len(data), len(mark) - 1)
    return next((n for n in range(longest, 0, -1) if data.endswith(mark[:n])), 0)


@dataclass
class Cut:
    """Cuts a stream at ``mark``, which may come in pieces: what follows it is kept in ``rest``."""

    mark: bytes
    rest: bytes | None = None
    _held: bytes = b""

    def feed(self, chunk: bytes) -> bytes:
        """What of the stream is known by now to come before the mark, beyond what was returned already."""
        if self.rest is not None:
            self.rest += chunk
            return b""
        before, found, after = (self._held + chunk).partition(self.mark)
        if found:
            self._held, self.rest = b"", after
            return before
        known = len(before) - begun(before, self.mark)
        self._held = before[known:]
        return before[:known]

    def close(self) -> bytes:
        """What looked like the mark's beginning and was none."""
        held, self._held = self._held, b""
        return held


def run_in(
    container: Container,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    workdir: str | None = None,
    log: Path | None = None,
    user: str = "",
    mark: bytes = b"",
) -> ToolRun:
    """Run ``argv``, append what it prints to ``log``, wait for its end.

    What it prints to its standard output after ``mark`` is no part of that: it is the result's ``rest``.
    Raises LabFault when the container goes away underneath it.
    """
    started = time.monotonic()
    chunks: list[bytes] = []
    cut = Cut(mark) if mark else None
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(log.open("ab")) if log else None

        def keep(chunk: bytes) -> None:
            chunks.append(chunk)
            if file:
                file.write(chunk)
                file.flush()

        def hear(printed: bytes, complained: bytes) -> None:
            keep((cut.feed(printed) if cut else printed) + complained)

        status = stream_in(container, argv, hear, environment=environment, workdir=workdir, user=user)
        if cut:
            keep(cut.close())
    output = b"".join(chunks).decode("utf-8", "replace")
    seconds = time.monotonic() - started
    return ToolRun(tuple(argv), status, output, seconds, log, cut.rest if cut else None)


def stream_in(
    container: Container,
    argv: Sequence[str],
    hear: Callable[[bytes, bytes], None],
    *,
    environment: Mapping[str, str] | None = None,
    workdir: str | None = None,
    user: str = "",
) -> int:
    """Run ``argv``, give what it prints to ``hear`` as it comes (standard output, standard error); its exit status.

    Raises LabFault when the container goes away underneath it.
    """
    api = container.client.api  # type: ignore[union-attr]
    try:
        given: dict[str, Any] = {"environment": dict(environment or {}), "workdir": workdir, "user": user}
        handle = _unless_paused(container, lambda: api.exec_create(container.id, list(argv), **given))
        # Apart from each other, since what went to the standard error first may arrive last.
        stream: CancellableStream[Any] = _unless_paused(
            container, lambda: api.exec_start(handle["Id"], stream=True, demux=True)
        )
        with contextlib.ExitStack() as stack:
            stack.callback(close_stream, stream)
            for printed, complained in stream:
                hear(printed or b"", complained or b"")
        status: int | None = api.exec_inspect(handle["Id"])["ExitCode"]
        if status is None or status == KILLED:
            require_alive(container, argv[0])
    except (docker.errors.APIError, requests.RequestException) as fault:
        raise LabFault(f"lost the container {container.name} while {argv[0]} ran in it", evidence=str(fault)) from fault
    return KILLED if status is None else status


def _unless_paused(container: Container, work: Callable[[], _T]) -> _T:
    """Do something in a container; while somebody has it paused, which the engine refuses, wait until it goes on."""
    while True:
        try:
            return work()
        except docker.errors.APIError as fault:
            client = container.client
            if fault.status_code != HTTPStatus.CONFLICT or client is None:
                raise
            wanted = {"container": container.id, "event": ["unpause", "die", "destroy"]}
            events = client.events(decode=True, filters=wanted)
            try:
                container.reload()  # after the events are listened to, so that none is missed
                if container.status != "paused":
                    return work()
                next(iter(events))
            finally:
                events.close()


def require_alive(container: Container, program: str) -> None:
    """Raise when a program was killed from outside: with its container, or for want of memory. Never its own doing."""
    api = container.client.api  # type: ignore[union-attr]
    stopped = f"the container {container.name} stopped while {program} ran in it"
    container.reload()
    if container.status != "running":
        raise LabFault(stopped, hint=_STOPPED_HINT)
    # A container that is being removed passes for running until the end, but runs nothing any more.
    handle = api.exec_create(container.id, ["true"])
    api.exec_start(handle["Id"])
    if api.exec_inspect(handle["Id"])["ExitCode"] != 0:
        raise LabFault(stopped, hint=_STOPPED_HINT)
    raise MissingFault(
        f"{program} was killed in the container {container.name}, most likely because memory ran out",
        hint="give the machine or the engine more memory, or run less on it; `dmesg` shows what was killed",
    )


def close_stream(stream: CancellableStream[Any]) -> None:
    """End a stream, whether or not it was read to its end."""
    with contextlib.suppress(OSError, docker.errors.DockerException):
        stream.close()
