"""An engine on another machine: the database is reached through the engine's API alone, and publishes no port."""

import contextlib
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from osupgrade.lab.connect import connect
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore

LATENCY = 0.02
"""Seconds, as a line to another machine has it: what an engine says in a row then arrives in one piece."""


def relay(source, target):
    with contextlib.suppress(OSError):
        while source.recv(1, socket.MSG_PEEK):
            time.sleep(LATENCY)
            target.sendall(source.recv(1 << 16))
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def other_machine(client, monkeypatch):
    """The engine of this machine under an address that is not the loopback's, as one elsewhere would have."""
    if not client.api.base_url.startswith("http+docker://"):
        pytest.skip("NOT RUN: the engine has no local socket to stand for one elsewhere")
    # A network of its own: engines tell the gateway of the one called bridge only once they were restarted.
    network = client.networks.create(f"osupgrade-elsewhere-{uuid.uuid4().hex[:8]}")
    network.reload()
    address = network.attrs["IPAM"]["Config"][0]["Gateway"]
    listener = socket.create_server((address, 0))
    open_sockets = [listener]

    def serve():
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                open_sockets.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=relay, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{address}:{listener.getsockname()[1]}")
    yield address
    for each in open_sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
    network.remove()


def test_the_database_is_reached_without_a_published_port(other_machine):
    engine = connect()
    assert other_machine in engine.api.base_url
    tag = ImageStore(engine).ensure(["mysql56"])["mysql56"]
    with Lab(engine) as lab, start_database(lab, tag) as server:
        server.container.reload()
        assert not any(server.container.ports.values())
        server.create("there")
        server.execute("there", "CREATE TABLE t (id INT PRIMARY KEY, body LONGTEXT)")
        server.execute("there", "INSERT INTO t VALUES (1, REPEAT('0123456789abcdef', 200000))")
        ((body,),) = server.rows("there", "SELECT body FROM t")
        assert len(body) == 3_200_000
        with ThreadPoolExecutor(12) as pool:
            counts = list(pool.map(lambda n: server.rows("there", f"SELECT {n} + COUNT(*) FROM t"), range(12)))
        assert counts == [[(n + 1,)] for n in range(12)]
        assert server.alive()
    engine.close()
