"""Sending a stream to a command in a container, over the engine's API, and reading what it says at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import docker.errors
import requests
from docker.models.containers import Container

from osupgrade.lab.conversation import Conversation
from osupgrade.model.errors import LabFault

FRAME = 4 << 20
"""Bytes sent at a time, each with its length before it: a lost connection is then not mistaken for the end of a
dump, and a TLS connection, which cannot be closed in one direction only, can say it."""


def feed(
    container: Container,
    script: str,
    stream: Iterable[bytes],
    environment: Mapping[str, str],
    sent: Callable[[int], None] | None = None,
) -> tuple[int, int, str]:
    """Run a shell script in a container and send it ``stream`` in frames: a line with a length, then so many bytes.

    A last frame of length 0 says that all was sent. Returns the bytes sent, the exit status and the output, which the
    script must keep below what a socket's buffer takes. The script must print nothing before it wants no more, and read
    on until that last frame: as soon as it has printed, nothing but that frame is sent. Raises LabFault when the
    container goes away.
    """
    total = 0
    try:
        with Conversation(container, ["bash", "-c", script], environment=environment, user="nobody") as client:
            try:
                for frame in _frames(stream):
                    client.send(b"%d\n" % len(frame))
                    client.send(frame)
                    total += len(frame)
                    if sent:
                        sent(total)
                    if client.has_printed():
                        break
                client.send(b"0\n")
            except (BrokenPipeError, ConnectionResetError):
                pass  # The client ended before its input did; its output says why.
            output = b"".join(client.printed())
            status = client.status()
        container.reload()
        if status is None or container.status != "running":
            raise LabFault(f"the container {container.name} stopped while a dump went into it")
    except (docker.errors.APIError, requests.RequestException, OSError) as fault:
        raise LabFault(f"lost the container {container.name} while a dump went into it", evidence=str(fault)) from fault
    return total, status, output.decode("utf-8", "replace")


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
