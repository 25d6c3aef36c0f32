"""Run directories of failed rehearsals."""

from osupgrade.history.rundir import RunDirectory
from osupgrade.report.write import write_reports


def made(report, parent):
    run = RunDirectory.make(parent, "grizzly-icehouse")
    write_reports(report, run)
    run.finish()
    return run
