"""Whether an unknown default character set matters is said, with the steps that end differently."""

import dataclasses

import pytest

from osupgrade.model.finding import Severity
from osupgrade.rehearsal.defaults import judged, usual_default

from .. import _reports as samples


@pytest.mark.parametrize(
    ("version", "default"),
    [
        ("5.5.31-0ubuntu0.12.04.1", "latin1"),
        ("5.6.24", "latin1"),
        ("10.5.23-MariaDB-0+deb11u1", "latin1"),
        ("11.8.2-MariaDB", "utf8mb4"),
        ("8.0.36", "utf8mb4"),
        ("9.7.4", "utf8mb4"),
        ("", "latin1"),
        ("nonsense", "latin1"),
    ],
)
def test_what_a_server_gives_by_default_follows_from_its_version(version, default):
    assert usual_default(version) == default


def test_a_default_that_changes_nothing_is_only_noted():
    finding = judged(["quantum"], "latin1", samples.GREEN.result, samples.GREEN.result)
    assert finding.severity is Severity.INFO
    assert "utf8 was assumed, and with latin1 every step ends the same" in finding.message


@pytest.mark.parametrize("turned", [False, True])
def test_a_default_on_which_the_outcome_depends_is_a_warning_with_the_steps(turned):
    pair = (samples.FAILED.result, samples.GREEN.result)
    finding = judged(["nova"], "latin1", *(reversed(pair) if turned else pair))
    assert finding.severity is Severity.WARNING
    assert "the outcome depends on it" in finding.message
    row = finding.evidence.rows[0]
    assert row[0] == "havana/nova"
    assert row[2 if not turned else 1] == "succeeded"
    assert finding.command == "osupgrade survey"


def test_the_same_error_under_a_copys_name_is_the_same_end():
    def failed(name):
        error = f"ProgrammingError: (1146, \"Table '{name}.routers' doesn't exist\")"
        steps = tuple(
            dataclasses.replace(step, diagnosis=dataclasses.replace(step.diagnosis, error=error))
            if step.diagnosis
            else step
            for step in samples.FAILED.result.steps
        )
        return dataclasses.replace(samples.FAILED.result, steps=steps)

    names = ("quantum", "defaultlatin1_quantum")
    same = judged(["quantum"], "latin1", failed(names[0]), failed(names[1]), names)
    assert same.severity is Severity.INFO and "every step ends the same" in same.message
    other = judged(["quantum"], "latin1", failed(names[0]), samples.FAILED.result, names)
    assert other.severity is Severity.WARNING
