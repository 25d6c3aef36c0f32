from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.report import LaneResult, StagedFinding, State
from osupgrade.model.stage import SEEDED, VERIFY
from osupgrade.model.step import Outcome, StepResult
from osupgrade.scenarios.contract import Scenario, Silent
from tools.seed_trial import Trial, alarms

NATURAL = Scenario(title="", services=("nova",), symptom=Silent("verify"), universal=True, name="natural")
OTHER = Scenario(title="", services=("nova",), symptom=Silent("verify"), name="other")


def found(source, state, severity=Severity.ERROR, stage=SEEDED):
    evidence = Evidence.of(("uuid",), [("i-1",)])
    finding = Finding(source, severity, "nova", "nova.instances", "1 instance is wrong", evidence=evidence)
    return StagedFinding(stage, finding, state)


def blamed(*findings, steps=()):
    return alarms((NATURAL, OTHER), LaneResult("grizzly-icehouse", ("nova",), steps, findings, 1.0))


def test_what_every_cloud_has_and_was_cured_is_no_alarm():
    assert blamed(found("natural", State.CURED), found("natural", State.UNRESOLVED, Severity.INFO)) == ()


def test_what_every_cloud_has_is_one_when_its_cure_did_not_hold():
    assert blamed(found("natural", State.UNRESOLVED)) == (
        "natural at seeded, unresolved: 1 instance is wrong",
        "  i-1",
    )


def test_another_finding_is_an_alarm_cured_or_not_and_of_any_severity():
    for state in State:
        for severity in Severity:
            assert blamed(found("other", state, severity))[0] == f"other at seeded, {state.word}: 1 instance is wrong"


def test_what_a_shape_rightly_has_is_no_alarm_unless_its_cure_did_not_hold():
    result = LaneResult(
        "grizzly-icehouse",
        ("nova",),
        (),
        (found("other", State.CURED), found("route", State.UNRESOLVED, Severity.INFO)),
        1.0,
    )
    assert alarms((NATURAL, OTHER), result, {"other"}) == ()
    result = LaneResult("grizzly-icehouse", ("nova",), (), (found("other", State.UNRESOLVED),), 1.0)
    assert alarms((NATURAL, OTHER), result, {"other"})


def test_a_red_invariant_and_a_failed_step_are_alarms():
    step = StepResult("havana/nova", "nova", "havana", Outcome.FAILED, 1.0, 1, problems=("it exited 1",))
    assert blamed(found("ports", State.UNRESOLVED, stage=VERIFY), steps=(step,)) == (
        "havana/nova failed: it exited 1",
        "ports at verify, unresolved: 1 instance is wrong",
        "  i-1",
    )


def test_the_line_of_a_seed_lists_its_alarms():
    trial = Trial(3, 4000, 80, 11, ("one", "two"), 30.0, 15.0)
    assert str(trial).splitlines()[0].endswith("2 false alarms")
    assert str(trial).splitlines()[1:] == ["    one", "    two"]
