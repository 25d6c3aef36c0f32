"""The one way to build a finding, and to carry out its cure."""

from types import SimpleNamespace

import pytest

from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Cure, Shell, Sql
from osupgrade.scenarios.findings import apply, filled, finding, require_ok

SCENARIO = SimpleNamespace(name="my-trap", services=("nova", "glance"), command="osupgrade rehearse --cure my-trap")


def test_source_service_and_command_are_filled_in():
    cured = finding(SCENARIO, place="nova.x", message="m", cure=Cure("c"))
    assert (cured.source, cured.service, cured.command) == ("my-trap", "nova", SCENARIO.command)
    bare = finding(SCENARIO, place="glance.x", message="m", service="glance")
    assert (bare.service, bare.command) == ("glance", "")


def test_a_row_s_values_and_names_are_quoted_and_those_that_are_not_named_left_out():
    sql = filled("nova", "DROP TABLE {name} /* :id */", ("name", "id"), ("a`b", 3))
    assert sql == Sql("nova", "DROP TABLE `a``b` /* :id */")
    assert filled("nova", "DELETE FROM x WHERE id = :id", ("id", "other"), ("it's", 1)).statement.endswith("'it''s'")


def test_statements_on_one_database_are_one_session_and_the_order_stays():
    done = []
    cloud = SimpleNamespace(execute=lambda service, *statements: done.append((service, *statements)))
    steps = (Sql("nova", "1"), Sql("nova", "2"), Shell("ls"), Sql("glance", "3"), Sql("nova", "4"))
    found = [
        finding(SCENARIO, place="nova.x", message="m", cure=Cure("c", steps)),
        finding(SCENARIO, place="x", message="m"),
    ]
    apply(cloud, found)
    assert done == [("nova", "1", "2"), ("glance", "3"), ("nova", "4")]


def test_a_tool_that_failed_is_a_fault_with_the_end_of_its_output():
    good = SimpleNamespace(ok=True, output="")
    assert require_ok(good, "it failed") is good
    with pytest.raises(UsageFault, match="it failed") as caught:
        require_ok(SimpleNamespace(ok=False, output="x" * 9000 + "the end"), "it failed")
    assert caught.value.evidence.endswith("the end") and len(caught.value.evidence) < 9000
