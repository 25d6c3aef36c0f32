"""Freezing a release's libraries with their hashes."""

import re

import pytest

from osupgrade.catalog.content import images
from osupgrade.catalog.releases import load_releases
from osupgrade.model.errors import UsageFault
from tools.freeze import command, freeze, pins


def test_pins_are_read_from_constraints_and_from_a_freeze():
    lines = ["# a comment", "nova===19.3.2", "Babel==2.6.0;python_version=='3.6'", "pip==20.0", "-e git+x", ""]
    assert pins(lines) == ["nova==19.3.2", "Babel==2.6.0"]
    assert pins(["oslo.db==1.0", "six==1.0"], without=["oslo_db"]) == ["six==1.0"]


def test_a_complete_list_is_frozen_without_looking_anything_up(tmp_path):
    assert "--no-deps" in command(tmp_path, tmp_path, "3.9", None, None)
    assert "--no-deps" not in command(tmp_path, tmp_path, "3.11", tmp_path, None)


def test_a_release_that_is_not_described_is_refused(tmp_path):
    with pytest.raises(UsageFault, match="there is no"):
        freeze("nosuch", tmp_path / "list", "3.9", None, None)


@pytest.mark.parametrize("name", sorted(load_releases()))
def test_every_requirement_has_one_version_and_its_hashes(name):
    text = (images() / name / "requirements.txt").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+(\s+;.*?)?\s+--hash=sha256:[0-9a-f]{64}", line), line
