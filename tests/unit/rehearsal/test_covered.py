"""A finding of the schema that a scenario explains is reported once."""

from dataclasses import replace

from osupgrade.model.finding import Severity
from osupgrade.rehearsal.covered import covered

from .inspect._inspected import finding


def test_what_a_scenario_says_with_a_cure_is_not_said_twice():
    known = finding("own-backported-column", place="nova.services", rows=(("disabled_reason", "varchar(255)"),))
    assert covered(finding("prediction"), [known])
    assert not covered(finding("prediction", place="services.other"), [known])
    assert not covered(finding("prediction"), [replace(known, service="cinder")])
    assert not covered(finding("prediction"), [replace(known, severity=Severity.WARNING)])
    assert not covered(finding("schema", Severity.WARNING), [known])
    charsets = finding("schema", Severity.WARNING, "character sets", rows=(("agents", "latin1"), ("ports", "latin1")))
    assert covered(charsets, [finding("latin1", rows=(("agents", "x"), ("ports", "x"), ("routers", "x")))])
    assert not covered(charsets, [finding("latin1", rows=(("agents", "x"),))])
