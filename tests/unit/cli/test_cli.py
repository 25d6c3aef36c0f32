import re

import pytest

from osupgrade.catalog import content
from osupgrade.cli import app, cure_spelled_out, run
from osupgrade.cli.lazy import whole


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        (["rehearse", "--cure"], ["rehearse", "--cure=all"]),
        (["rehearse", "--cure", "--quiet"], ["rehearse", "--cure=all", "--quiet"]),
        (["rehearse", "--cure", "own-index,own-migrations"], ["rehearse", "--cure", "own-index,own-migrations"]),
        (["rehearse", "--cure=own-index"], ["rehearse", "--cure=own-index"]),
        (["rehearse", "--no-cure"], ["rehearse", "--no-cure"]),
        ([], []),
    ],
)
def test_cure_needs_no_value(typed, understood):
    assert cure_spelled_out(typed) == understood


def test_a_bare_cure_is_taken_by_the_command_line(capsys):
    assert run(["rehearse", "--cure", "--path", "nowhere"]) == 2
    assert "unknown path 'nowhere'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cloud", "bad.toml"], "bad.toml, line 2: unknown key 'colour' in [hosts]; known here: compute"),
        (["--cloud", "missing.toml"], 'cannot read "missing.toml": No such file or directory'),
        (
            ["--cloud", "bad.toml", "--dump", "x.sql"],
            "--cloud describes the seeded cloud; a dump is rehearsed as it is",
        ),
        (["--scale", "20000"], "--scale must be from 1 to 16384, not 20000"),
        (
            ["--path", "havana-icehouse", "--scale", "4"],
            "--scale multiplies a cloud where it is seeded, and havana has grizzly's",
        ),
    ],
)
def test_a_cloud_that_cannot_be_made_is_refused_before_anything_starts(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.toml").write_text("[hosts]\ncolour = 'red'\n")
    assert run(["rehearse", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("words", [["rehearse"], ["nightly"], ["inspect"], ["scenarios", "run"]])
def test_what_takes_long_can_be_quiet_and_tell_a_program(words):
    command = whole(app)
    for word in words:
        command = command.commands[word]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--quiet", "--json"} <= options


def test_every_database_server_is_offered():
    servers = {file.parent.name for file in content.images().glob("*/server.cnf")}
    (option,) = [one for one in whole(app).commands["rehearse"].params if "--db" in one.opts]
    assert servers == set(re.findall(r"m\w+\d+", option.help))


@pytest.mark.parametrize("words", [[], ["images"], ["scenarios"], ["sources"], ["snapshots"]])
def test_a_group_without_a_command_shows_its_help_and_nothing_else(words, capfd):
    assert run(words) == 2
    said = capfd.readouterr()
    assert "Usage: osupgrade" in said.out + said.err
    assert "next:" not in said.err


@pytest.mark.parametrize("words", [["sanitize", "x"], ["scenarios", "run", "--nope"], ["rehearse", "--nope"]])
def test_a_wrong_option_refers_to_the_help_of_its_command(words, capfd):
    assert run(words) == 2
    command = " ".join(word for word in words if word != "x" and not word.startswith("-"))
    assert f"next: osupgrade {command} --help" in capfd.readouterr().err
