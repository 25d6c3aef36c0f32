"""What is scheduled to an agent that has no row, as in a database whose foreign keys a dump lost."""

from datetime import datetime

from osupgrade.openstack.neutron.invariants.scheduled import check


class Cloud:
    """The tables of neutron that the invariant reads."""

    def __init__(self, agents: list[str], served: dict[str, str]) -> None:
        self._agents = [
            (a, "DHCP agent", "binary", "topic", f"host-{a}", datetime(2014, 4, 17, 12), "{}") for a in agents
        ]
        self._served = [("network", network, agent) for network, agent in served.items()]

    def has(self, service: str) -> bool:
        return service == "neutron"

    def tables(self, _database: str) -> frozenset[str]:
        return frozenset({"agents", "networkdhcpagentbindings"})

    def rows(self, _database: str, sql: str) -> list[tuple[object, ...]]:
        return self._agents if "FROM agents" in sql else self._served


def test_a_binding_that_pointed_nowhere_before_is_no_damage() -> None:
    before = check.census(Cloud(["a"], {"n1": "a", "n2": "gone"}))
    assert list(check.compare(Cloud(["a"], {"n1": "a", "n2": "gone"}), before)) == []
    assert list(check.compare(Cloud(["a"], {"n1": "a"}), before)) == []


def test_a_binding_whose_agent_went_is_told() -> None:
    before = check.census(Cloud(["a", "b"], {"n1": "a", "n2": "b"}))
    (finding,) = check.compare(Cloud(["a"], {"n1": "a", "n2": "b"}), before)
    assert finding.evidence.rows == (("network", "n2", "host-b"),)
