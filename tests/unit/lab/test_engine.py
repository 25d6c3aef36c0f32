"""What the engine must be able to do."""

from osupgrade.cli import run
from osupgrade.model.errors import Exit


def test_nothing_is_kept_where_it_cannot_be_reached(docker_home, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DOCKER_HOST", "tcp://big.example:2375")
    assert run(["rehearse", "--keep", "--no-history", "--out", str(tmp_path / "runs")]) == Exit.USAGE
    assert "on big.example" in capsys.readouterr().err
