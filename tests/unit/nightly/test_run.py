"""What a nightly consists of."""

import pytest

from osupgrade.cli import run as command
from osupgrade.model.errors import Exit


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--shard", "5/4"], "i/n"),
        (["--paths", "grizzly-essex"], "unknown path"),
        (["--db", "postgres"], "uses the database 'postgres'"),
        (["--what", "everything"], "everything"),
    ],
)
def test_what_a_nightly_cannot_take_is_refused_before_anything_starts(arguments, says, capsys, tmp_path):
    assert command(["nightly", *arguments, "--out", str(tmp_path / "runs")]) == Exit.USAGE
    assert says in capsys.readouterr().err and not (tmp_path / "runs").exists()
