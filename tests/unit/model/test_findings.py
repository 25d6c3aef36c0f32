"""Findings come worst first, each once."""

from osupgrade.model.finding import Severity
from osupgrade.model.findings import settled
from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED

from .. import _reports as samples


def test_findings_come_worst_first_and_once():
    order = [f.finding.severity for f in settled(samples.FAILED.result.findings) if f.state is State.UNRESOLVED]
    assert order == sorted(order, key=list(Severity).index)
    twice = [f for f in settled(samples.GREEN.result.findings) if f.finding == samples.UNBOUND]
    assert [f.state for f in twice] == [State.CURED]


def test_a_finding_that_stands_anywhere_stands():
    findings = [StagedFinding(SEEDED, samples.UNBOUND, state) for state in (State.CURED, State.UNRESOLVED, State.CURED)]
    assert [found.state for found in settled(findings)] == [State.UNRESOLVED]
