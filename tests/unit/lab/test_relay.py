"""The way to a port of a container, wherever the engine is."""

import pytest

from osupgrade.lab.relay import elsewhere


@pytest.mark.parametrize(
    ("address", "machine"),
    [
        ("", ""),
        ("unix:///run/user/1000/docker.sock", ""),
        ("tcp://127.0.0.1:2375", ""),
        ("tcp://localhost:2375", ""),
        ("tcp://[::1]:2375", ""),
        ("tcp://docker:2376", "docker"),
        ("tcp://10.1.2.3:2376", "10.1.2.3"),
        ("ssh://lab@big.example", "big.example"),
    ],
)
def test_whose_ports_an_engine_publishes(address, machine):
    assert elsewhere(address) == machine
