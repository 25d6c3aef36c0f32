"""Every report of a run, written into its directory."""

from __future__ import annotations

from osupgrade.history.rundir import RunDirectory
from osupgrade.model.report import RunReport
from osupgrade.report.html import write_html
from osupgrade.report.json import write_json, write_manifest
from osupgrade.report.junit import write_junit
from osupgrade.report.markdown import markdown

__all__ = ["write_reports"]


def write_reports(report: RunReport, run: RunDirectory) -> None:
    """Write every report of a run into its directory."""
    write_json(report, run.path / "report.json")
    write_manifest(report, run.path / "manifest.json")
    write_junit(report, run.path / "junit.xml")
    write_html(report, run.path / "report.html")
    (run.path / "summary.md").write_text(markdown(report), "utf-8")
