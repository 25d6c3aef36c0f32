"""Agents by the names of their hosts."""

from datetime import datetime, timedelta

import pytest

from osupgrade.openstack.neutron.agents import Agent, agents, merge, short, twins

NOW = datetime(2014, 4, 17, 12)


def agent(one: str, kind: str, host: str, ago: int) -> Agent:
    return Agent(one, kind, "binary", "topic", host, NOW - timedelta(seconds=ago), "{}")


def test_an_address_is_no_name_with_a_domain() -> None:
    assert short("compute1.example.org") == "compute1"
    assert short("compute1") == "compute1"
    assert short("192.0.2.7") == "192.0.2.7"


def test_twins_are_of_one_type_and_the_last_to_report_comes_first() -> None:
    found = [
        agent("old", "DHCP agent", "net1.example.org", 900),
        agent("new", "DHCP agent", "net1", 5),
        agent("other", "L3 agent", "net1", 5),
        agent("alone", "DHCP agent", "net2", 5),
    ]
    assert [[a.id for a in group] for group in twins(found, lambda a: a.name)] == [["new", "old"]]


def test_twins_that_reported_at_once_have_a_fixed_order() -> None:
    found = [agent("b", "L3 agent", "net1", 5), agent("a", "L3 agent", "Net1", 5)]
    assert [[a.id for a in group] for group in twins(found, lambda a: a.host.lower())] == [["a", "b"]]


@pytest.mark.parametrize("heartbeat", ["0000-00-00 00:00:00", None])
def test_an_agent_with_a_zero_date_never_reported(heartbeat) -> None:
    class Held:
        def has(self, _service):
            return True

        def tables(self, _service):
            return {"agents"}

        def rows(self, _service, _sql):
            rest = ("DHCP agent", "binary", "topic")
            return [("never", *rest, "net1.a", heartbeat, "{}"), ("now", *rest, "net1", NOW, "{}")]

    assert [[a.id for a in group] for group in twins(agents(Held()), lambda a: a.name)] == [["now", "never"]]


def test_merging_moves_what_is_bound_before_it_deletes() -> None:
    group = [
        agent("keep", "DHCP agent", "net1", 5),
        agent("x", "DHCP agent", "net1.a", 9),
        agent("y", "DHCP agent", "net1.b", 9),
    ]
    statements = [step.statement for step in merge(group)]
    assert [statement.split()[0] for statement in statements] == ["UPDATE", "UPDATE", "DELETE"]
    assert all("'keep'" in statement and "('x', 'y')" in statement for statement in statements)
