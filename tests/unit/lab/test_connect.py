"""Which engine is used."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from osupgrade.lab.connect import adopt_context, connect
from osupgrade.model.errors import MissingFault


def context(home, name, host, *, tls=False, current=False, skip=False):
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = home / "contexts" / "meta" / key
    meta.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": skip}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    if tls:
        certificates = home / "contexts" / "tls" / key / "docker"
        certificates.mkdir(parents=True)
        for part in ("ca", "cert", "key"):
            (certificates / f"{part}.pem").write_text("a certificate")
    if current:
        (home / "config.json").write_text(json.dumps({"currentContext": name}))


def test_without_a_context_nothing_is_changed(docker_home):
    adopt_context()
    assert "DOCKER_HOST" not in os.environ


def test_the_current_context_is_taken(docker_home):
    context(docker_home, "big", "ssh://lab@big.example", current=True)
    adopt_context()
    assert os.environ["DOCKER_HOST"] == "ssh://lab@big.example"


def test_docker_context_wins_over_the_current_one_and_docker_host_over_both(docker_home, monkeypatch):
    context(docker_home, "big", "tcp://big.example:2375", current=True)
    context(docker_home, "bigger", "tcp://bigger.example:2375")
    monkeypatch.setenv("DOCKER_CONTEXT", "bigger")
    adopt_context()
    assert os.environ["DOCKER_HOST"] == "tcp://bigger.example:2375"
    monkeypatch.setenv("DOCKER_CONTEXT", "big")
    adopt_context()
    assert os.environ["DOCKER_HOST"] == "tcp://bigger.example:2375"


@pytest.mark.parametrize(("skip", "verify"), [(False, "1"), (True, "")])
def test_certificates_go_with_it(docker_home, skip, verify):
    context(docker_home, "big", "tcp://big.example:2376", current=True, tls=True, skip=skip)
    adopt_context()
    assert os.environ["DOCKER_TLS_VERIFY"] == verify
    assert sorted(p.name for p in Path(os.environ["DOCKER_CERT_PATH"]).iterdir()) == ["ca.pem", "cert.pem", "key.pem"]


def test_a_context_that_does_not_exist_is_not_the_local_engine(docker_home, monkeypatch):
    monkeypatch.setenv("DOCKER_CONTEXT", "typo")
    with pytest.raises(MissingFault, match="no Docker context 'typo'"):
        connect()


def test_a_damaged_context_is_said_so(docker_home):
    context(docker_home, "big", "tcp://big.example:2375", current=True)
    (file,) = docker_home.glob("contexts/meta/*/meta.json")
    file.write_text("{")
    with pytest.raises(MissingFault, match="'big' cannot be read"):
        connect()
