"""Running commands inside containers, with their output streamed to a log as it appears."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker.errors
import requests
from docker.models.containers import Container
from docker.types import CancellableStream

from osupgrade.errors import LabFault


@dataclass(frozen=True)
class ToolRun:
    """How a command inside a container ended. ``seconds`` is wall time, ``output`` both streams together."""

    argv: tuple[str, ...]
    exit_status: int
    output: str
    seconds: float
    log: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether it exited 0."""
        return self.exit_status == 0


def run_in(
    container: Container,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    workdir: str | None = None,
    log: Path | None = None,
    user: str = "",
) -> ToolRun:
    """Run ``argv``, append what it prints to ``log``, wait for its end.

    Raises LabFault when the container goes away underneath it.
    """
    api = container.client.api  # type: ignore[union-attr]
    started = time.monotonic()
    chunks: list[bytes] = []
    try:
        handle = api.exec_create(
            container.id, list(argv), environment=dict(environment or {}), workdir=workdir, user=user
        )
        stream: CancellableStream[bytes] = api.exec_start(handle["Id"], stream=True)
        with contextlib.ExitStack() as stack:
            stack.callback(close_stream, stream)
            file = stack.enter_context(log.open("ab")) if log else None
            for chunk in stream:
                chunks.append(chunk)
                if file:
                    file.write(chunk)
                    file.flush()
        status = api.exec_inspect(handle["Id"])["ExitCode"]
        if status is None or status == 137:
            container.reload()
            if container.status != "running":
                raise LabFault(f"the container {container.name} stopped while {argv[0]} ran in it")
    except (docker.errors.APIError, requests.RequestException) as fault:
        raise LabFault(f"lost the container {container.name} while {argv[0]} ran in it", evidence=str(fault)) from fault
    output = b"".join(chunks).decode("utf-8", "replace")
    return ToolRun(tuple(argv), 137 if status is None else status, output, time.monotonic() - started, log)


def close_stream(stream: CancellableStream[Any]) -> None:
    """The SDK leaves the socket of an upgraded connection to the garbage collector."""
    with contextlib.suppress(OSError, docker.errors.DockerException):
        stream.close()
    stream._response.close()  # type: ignore[attr-defined]
