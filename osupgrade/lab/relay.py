"""A port of this machine that leads into a container on an engine elsewhere, through the engine's own API.

An engine on another machine publishes ports there, where the lab's database must not be reachable, and a firewall may
be in between. The connection to the engine itself is there anyhow, whatever it is: TCP, TLS or ssh.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import threading
from urllib.parse import urlsplit

import docker.errors
import requests
from docker.models.containers import Container

from osupgrade.lab.conversation import Conversation

_GO = b"\n"
# The shell's own TCP, so that the image needs no program for it. Whichever side ends first ends the other. It waits for
# a first line, because a database greets whoever connects.
_RELAY = "read -r; exec 3<>/dev/tcp/127.0.0.1/%d 4<&0; cat <&4 >&3 & cat <&3 & wait -n; kill %%1 %%2 2>/dev/null; true"
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
        with here:
            try:
                there = Conversation(self._container, ["bash", "-c", _RELAY % self._inside])
            except (docker.errors.APIError, requests.RequestException, OSError):
                return  # whoever connected sees a connection that ends at once, and says so
            with there, contextlib.suppress(OSError, ValueError):
                there.send(_GO)
                threading.Thread(target=_outward, args=(here, there), daemon=True).start()
                for data in there.printed(stream=1):
                    here.sendall(data)
                # While the other thread waits in recv(), close() alone would not tell whoever connected.
                here.shutdown(socket.SHUT_RDWR)


def _outward(here: socket.socket, there: Conversation) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := here.recv(_PIECE):
            there.send(data)
    there.end()
