"""Every report of a run lies in its directory."""

import json
from xml.etree import ElementTree as Xml

from osupgrade.history.rundir import RunDirectory, find_run
from osupgrade.report.json import read_json
from osupgrade.report.write import write_reports

from .. import _reports as samples


def test_a_run_directory_gets_every_report(tmp_path):
    run = RunDirectory.make(tmp_path, "grizzly-icehouse")
    write_reports(samples.FAILED, run)
    run.finish()
    found = find_run("latest", tmp_path)
    assert read_json(found.path / "report.json") == samples.FAILED
    manifest = json.loads((found.path / "manifest.json").read_text("utf-8"))
    assert manifest == json.loads((found.path / "report.json").read_text("utf-8"))["manifest"]
    assert manifest["images"] == samples.FAILED.manifest.images and manifest["cloud"] == samples.FAILED.manifest.cloud
    assert Xml.parse(found.path / "junit.xml").getroot().get("failures") == "6"
    assert (found.path / "summary.md").read_text("utf-8").startswith("## ❌")
    assert (found.path / "report.html").read_text("utf-8").startswith("<!doctype html>")
