"""Docker contexts in a directory of their own."""

import pytest


@pytest.fixture
def docker_home(tmp_path, monkeypatch):
    """A ~/.docker of its own; what a test makes of the environment is taken back."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    return tmp_path
