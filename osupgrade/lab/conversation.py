"""Talking with a command in a container in both directions, over the connection to the engine, whatever that is."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import struct
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import docker.errors
from docker.models.containers import Container

_HEAD = 8


class Conversation:
    """A running command: bytes sent to its standard input, and what it prints. A context manager.

    The command must print nothing before it was sent something: what comes in one piece with the head of the engine's
    answer would be lost.
    """

    def __init__(
        self,
        container: Container,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        user: str = "",
    ) -> None:
        self._api: Any = container.client.api  # type: ignore[union-attr]
        handle = self._api.exec_create(
            container.id, list(argv), stdin=True, environment=dict(environment or {}), user=user
        )
        self._id = handle["Id"]
        given: Any = self._api.exec_start(self._id, socket=True)
        self._given = given
        # A reader alone over plain sockets, and over TLS and ssh what can be written to as well.
        self._talk: Any = socket.socket(fileno=os.dup(given.fileno())) if isinstance(given, socket.SocketIO) else given
        if hasattr(self._talk, "settimeout"):
            self._talk.settimeout(None)

    def __enter__(self) -> Conversation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._talk, self._given):
            with contextlib.suppress(OSError, docker.errors.DockerException):
                one.close()

    def send(self, data: bytes) -> None:
        """Give the command something to read."""
        self._talk.sendall(data)

    def end(self) -> None:
        """Say that nothing more will come, where the connection can say that."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._talk.shutdown(socket.SHUT_WR)

    def printed(self, stream: int = 0) -> Iterator[bytes]:
        """What the command prints until its end; ``stream`` is 1 for the standard output alone, 2 for the error."""
        while head := self._exactly(_HEAD):
            number, length = struct.unpack(">BxxxL", head)
            data = self._exactly(length)
            if stream in (0, number):
                yield data

    def has_printed(self) -> bool:
        """Whether it has printed something, or has ended; never where the connection cannot say it, as over TLS."""
        if not isinstance(self._talk, socket.socket) or isinstance(self._talk, ssl.SSLSocket):
            return False
        return bool(select.select([self._talk], [], [], 0)[0])

    def status(self) -> int | None:
        """The exit status of a command that has ended; None where it was lost with its container."""
        found: int | None = self._api.exec_inspect(self._id)["ExitCode"]
        return found

    def _exactly(self, length: int) -> bytes:
        got = b""
        while len(got) < length:
            try:
                more = self._talk.recv(length - len(got))
            except ConnectionResetError:
                return b""
            if not more:
                return b""
            got += more
        return got
