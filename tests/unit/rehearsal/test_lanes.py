"""How a lane of a scenario is judged."""

from osupgrade.model.finding import Finding, Severity
from osupgrade.rehearsal.lanes import judge_shown
from osupgrade.scenarios.contract import Scenario, Silent


def test_what_the_apis_show_of_a_damage_is_that_and_nothing_else():
    symptom = Silent("after:ml2", shows=(r"\d+ ports get no answer",))
    scenario = Scenario(title="t", services=("neutron",), symptom=symptom)
    expected = Finding("verify", Severity.ERROR, "neutron", "RPC", "3 ports get no answer when asked for")
    other = Finding("verify", Severity.ERROR, "neutron", "API", "2 networks are gone")
    known = Finding("verify", Severity.INFO, "neutron", "API", "something that is meant")
    assert judge_shown(scenario, "naive", [expected, known]) == ()
    assert judge_shown(scenario, "naive", []) == ("the APIs should show /\\d+ ports get no answer/ but do not",)
    assert judge_shown(scenario, "naive", [expected, other]) == ("the APIs show: 2 networks are gone",)
    assert judge_shown(scenario, "cured", [expected]) == ("the APIs show: 3 ports get no answer when asked for",)
