"""A nightly on a machine that lacks something: what cannot be run is told as that, and nothing else is run instead."""

import json
from xml.etree import ElementTree as Xml

from osupgrade.cli import run as command
from osupgrade.model.errors import Exit


def test_a_path_without_its_sources_is_not_run_and_exits_3(client, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    arguments = ["--paths", "grizzly-icehouse", "--db", "mysql56", "--what", "clean,own-index", "--no-history"]
    assert command(["nightly", *arguments, "--out", str(tmp_path / "runs")]) == Exit.MISSING
    text = capsys.readouterr().out
    assert "not run" in text and "the pinned service code for grizzly-icehouse is not available locally" in text
    report = json.loads((tmp_path / "runs" / "latest" / "report.json").read_text())
    assert [part["exit_status"] for part in report["parts"]] == [3, 3]
    assert report["matrix"] == ["grizzly-icehouse mysql56 clean", "grizzly-icehouse mysql56 scenario own-index"]
    cases = list(Xml.parse(tmp_path / "runs" / "latest" / "junit.xml").iter("skipped"))
    assert len(cases) == 2
