"""`osupgrade reproduce` before any container starts: what it refuses."""

import dataclasses

import pytest

from osupgrade.cli import run as command
from osupgrade.model.errors import Exit

from .. import _reports as samples
from ..reproduce._runs import made


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refused(arguments, capsys):
    status = command(["reproduce", *arguments])
    said = capsys.readouterr().err
    assert said.count("osupgrade:") == 1
    return status, said


def test_a_run_that_is_not_there(capsys):
    assert refused(["nope"], capsys)[0] == Exit.USAGE


def test_a_run_that_came_through(tmp_path, capsys):
    status, said = refused([str(made(samples.GREEN, tmp_path).path)], capsys)
    assert (status, "nothing to reproduce" in said) == (Exit.USAGE, True)


def test_a_run_that_is_no_rehearsal(tmp_path, capsys):
    status, said = refused([str(made(samples.scenarios(2), tmp_path).path)], capsys)
    assert (status, "is not a rehearsal but scenarios" in said) == (Exit.USAGE, True)


def test_a_run_whose_errors_stand_but_no_step_failed(tmp_path, capsys):
    result = dataclasses.replace(samples.FAILED.result, steps=samples.GREEN.result.steps)
    run = made(dataclasses.replace(samples.FAILED, result=result), tmp_path)
    assert "has no step that failed" in refused([str(run.path)], capsys)[1]


def test_another_step_than_one_that_failed(tmp_path, capsys):
    run = made(samples.FAILED, tmp_path)
    status, said = refused([str(run.path), "--step", "icehouse/glance"], capsys)
    assert (status, "what failed there: havana/nova" in said) == (Exit.USAGE, True)


def test_an_output_that_is_there(tmp_path, capsys):
    run = made(samples.FAILED, tmp_path)
    (tmp_path / "a.tar.gz").write_text("mine")
    (tmp_path / "trap").mkdir()
    assert refused([str(run.path), "-o", "a.tar.gz"], capsys)[0] == Exit.USAGE
    assert refused([str(run.path), "--shrink", "-o", "trap"], capsys)[0] == Exit.USAGE
    assert refused([str(run.path), "--shrink", "-o", "No Name"], capsys)[0] == Exit.USAGE
    assert (tmp_path / "a.tar.gz").read_text() == "mine"


def test_an_archive_that_is_none(tmp_path, capsys):
    (tmp_path / "a.tar.gz").write_bytes(b"\x1f\x8b\x08 but no more")
    assert refused(["a.tar.gz"], capsys)[0] == Exit.USAGE
    assert refused(["a.tar.gz", "--shrink"], capsys)[0] == Exit.USAGE
    assert "not for replaying" in refused(["a.tar.gz", "-o", "x"], capsys)[1]


def test_a_key_that_is_missing_or_not_wanted(tmp_path, capsys):
    run = made(samples.FAILED, tmp_path)
    assert refused([str(run.path), "--key-file", "nokey"], capsys)[0] == Exit.USAGE
    assert "nothing is masked" in refused([str(run.path), "--key-file", "nokey", "--unmasked"], capsys)[1]
