"""Sending a stream to a command in a container, over the engine's API, and reading what it says at its end."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import docker.errors
import requests
from docker.models.containers import Container

from osupgrade.model.errors import LabFault

FRAME = 4 << 20
"""Bytes sent at a time, each with its length before it: the end of a dump is then told from a lost connection, and a
TLS connection, which cannot be closed in one direction only, can say it."""


def feed(
    container: Container,
    script: str,
    stream: Iterable[bytes],
    environment: Mapping[str, str],
    sent: Callable[[int], None] | None = None,
) -> tuple[int, int, str]:
    """Run a shell script in a container and send it ``stream`` in frames: a line with a length, then so many bytes.

    A last frame of length 0 says that all was sent. Returns the bytes sent, the exit status and the output, which the
    script must keep below what a socket's buffer takes. Raises LabFault when the container goes away.
    """
    api = container.client.api  # type: ignore[union-attr]
    total = 0
    try:
        handle = api.exec_create(
            container.id, ["bash", "-c", script], stdin=True, environment=dict(environment), user="nobody"
        )
        raw: Any = api.exec_start(handle["Id"], socket=True)
        connection: Any = getattr(raw, "_sock", raw)
        if hasattr(connection, "settimeout"):
            connection.settimeout(None)
        try:
            for frame in _frames(stream):
                connection.sendall(b"%d\n" % len(frame))
                connection.sendall(frame)
                total += len(frame)
                if sent:
                    sent(total)
            connection.sendall(b"0\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # The client ended before its input did; its output says why.
        except BaseException:
            _close(raw, connection)
            raise
        output = b"".join(_output(connection))
        _close(raw, connection)
        status = api.exec_inspect(handle["Id"])["ExitCode"]
        container.reload()
        if status is None or container.status != "running":
            raise LabFault(f"the container {container.name} stopped while a dump went into it")
    except (docker.errors.APIError, requests.RequestException, OSError) as fault:
        raise LabFault(f"lost the container {container.name} while a dump went into it", evidence=str(fault)) from fault
    return total, status, output.decode("utf-8", "replace")


def _close(raw: Any, connection: Any) -> None:
    """Close both ends of what the engine's SDK gives: the stream does not own the socket below it."""
    raw.close()
    connection.close()


def _frames(stream: Iterable[bytes]) -> Iterator[bytes]:
    gathered, size = [], 0
    for data in stream:
        gathered.append(data)
        size += len(data)
        if size >= FRAME:
            yield b"".join(gathered)
            gathered, size = [], 0
    if size:
        yield b"".join(gathered)


def _output(connection: Any) -> Iterator[bytes]:
    """What the command printed, out of the engine's frames of a stream's number and a length."""
    while header := _exactly(connection, 8):
        _, length = struct.unpack(">BxxxL", header)
        yield _exactly(connection, length)


def _exactly(connection: Any, length: int) -> bytes:
    got = b""
    while len(got) < length:
        try:
            more = connection.recv(length - len(got))
        except ConnectionResetError:
            return b""
        if not more:
            return b""
        got += more
    return got
