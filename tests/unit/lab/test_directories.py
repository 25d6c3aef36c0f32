"""Directories are made below one that is there, and that one never."""

import pytest

from osupgrade.lab.directories import below


def test_every_directory_on_the_way_is_made_and_may_be_there_already(tmp_path):
    assert below(tmp_path, "config", "verify", "api") == tmp_path / "config" / "verify" / "api"
    assert below(tmp_path, "config", "verify").is_dir() and below(tmp_path) == tmp_path


def test_one_that_was_deleted_is_not_recreated(tmp_path):
    with pytest.raises(FileNotFoundError):
        below(tmp_path / "gone", "logs")
    assert not (tmp_path / "gone").exists()
