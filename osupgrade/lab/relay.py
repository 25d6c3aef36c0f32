"""A port of this machine that leads into a container on an engine elsewhere, through the engine's own API.

An engine on another machine publishes ports there, where nobody should reach the lab's database, and a firewall may
stand between. The connection to the engine itself is there anyhow, whatever it is: TCP, TLS or ssh.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import docker.errors
import requests
from docker.models.containers import Container

# The shell's own TCP, so that the image needs no program for it. Whichever side ends first ends the other.
_RELAY = "exec 3<>/dev/tcp/127.0.0.1/%d 4<&0; cat <&4 >&3 & cat <&3 & wait -n; kill %%1 %%2 2>/dev/null; true"
_PIECE = 1 << 16


def elsewhere(address: str | None = None) -> str:
    """The machine of an engine that is not this one; '' where its published ports are those of this machine.

    ``address`` is as in DOCKER_HOST, which is what counts when it is not given.
    """
    parts = urlsplit(address if address is not None else os.environ.get("DOCKER_HOST", ""))
    host = parts.hostname or ""
    if parts.scheme not in ("tcp", "ssh", "http", "https") or host == "localhost":
        return ""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return ""
    return host


class Forward:
    """Listens on 127.0.0.1; each connection is one command in the container that relays to its ``port``."""

    def __init__(self, container: Container, port: int) -> None:
        self._container = container
        self._inside = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, name=f"forward to {container.name}", daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Take no more connections; those that are open end with their users."""
        # A thread that waits in accept() is not woken by close() alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(here,), daemon=True).start()

    def _serve(self, here: socket.socket) -> None:
        api = self._container.client.api  # type: ignore[union-attr]
        with here:
            try:
                handle = api.exec_create(self._container.id, ["bash", "-c", _RELAY % self._inside], stdin=True)
                raw: Any = api.exec_start(handle["Id"], socket=True)
            except (docker.errors.APIError, requests.RequestException, OSError):
                return  # whoever connected sees a connection that ends at once, and says so
            there: Any = getattr(raw, "_sock", raw)
            if hasattr(there, "settimeout"):
                there.settimeout(None)
            threading.Thread(target=_outward, args=(here, there), daemon=True).start()
            # Not the bare socket: what came in one piece with the answer's head waits in the reader of that head.
            reader: Any = raw._response.raw._fp.fp
            with contextlib.suppress(OSError, ValueError):
                for data in _frames(reader):
                    here.sendall(data)
            # While the other thread waits in recv(), close() alone would not tell whoever connected.
            with contextlib.suppress(OSError):
                here.shutdown(socket.SHUT_RDWR)
            raw.close()
            there.close()


def _outward(here: socket.socket, there: Any) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := here.recv(_PIECE):
            there.sendall(data)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        there.shutdown(socket.SHUT_WR)


def _frames(reader: Any) -> Iterator[bytes]:
    """What the command prints, out of the engine's frames of a stream's number and a length; its errors left out."""
    while len(header := reader.read(8)) == 8:
        stream, length = struct.unpack(">BxxxL", header)
        data = reader.read(length)
        if stream == 1:
            yield data
