"""Networks and routers stay with the agents of their hosts, and these are the agents that report."""

from __future__ import annotations

from collections.abc import Iterator

from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.stage import VERIFY
from osupgrade.model.text import counted
from osupgrade.openstack.neutron.agents import DOWN_AFTER, agents, twins

_BINDINGS = {
    "networkdhcpagentbindings": "SELECT 'network', network_id, dhcp_agent_id FROM networkdhcpagentbindings",
    "routerl3agentbindings": "SELECT 'router', router_id, l3_agent_id FROM routerl3agentbindings",
}


def _bindings(cloud: Cloud) -> list[tuple[str, str, str]]:
    """What is scheduled, its id, its agent's id."""
    tables = cloud.tables("neutron")
    there = (sql for table, sql in _BINDINGS.items() if table in tables)
    return [(kind, one, agent) for sql in there for kind, one, agent in cloud.rows("neutron", sql)]


def _census(cloud: Cloud) -> frozenset[tuple[str, str, str]]:
    """What is scheduled, its id, its agent's host by its short name; nobody serves what is on an agent without a row."""
    names = {agent.id: agent.name.lower() for agent in agents(cloud)}
    return frozenset((kind, one, names[agent]) for kind, one, agent in _bindings(cloud) if agent in names)


def _compare(cloud: Cloud, before: frozenset[tuple[str, str, str]]) -> Iterator[Finding]:
    found = agents(cloud)
    lost = sorted(before - _census(cloud))
    if lost:
        yield _finding(
            counted(len(lost), "{n} network[s] or router[s] [is|are] no longer on the host that served [it|them]"),
            "they have no DHCP or routing until they are scheduled again",
            Evidence.of(("kind", "id", "host"), list(lost)),
        )
    by_id = {agent.id: agent for agent in found}
    replaced = {
        old.id: group[0]
        for group in twins(found, lambda agent: agent.name.lower())
        for old in group[1:]
        if group[0].heartbeat - old.heartbeat > DOWN_AFTER
    }
    dead = [
        (kind, one, by_id[agent].host, replaced[agent].host)
        for kind, one, agent in _bindings(cloud)
        if agent in replaced
    ]
    if dead:
        yield _finding(
            counted(
                len(dead),
                "{n} network[s] or router[s] [is|are] assigned to [an agent that no longer reports|agents that no longer report]",
            ),
            "their host's agent reports under another name and does not serve them",
            Evidence.of(("kind", "id", "agent", "reports_now"), list(dead)),
        )


def _finding(message: str, consequence: str, evidence: Evidence) -> Finding:
    return Finding(
        source=check.name,
        severity=Severity.ERROR,
        service="neutron",
        place="neutron.agents",
        message=message,
        consequence=consequence,
        evidence=evidence,
    )


check = Check(
    name="scheduled",
    title="Networks and routers stay with agents that report",
    services=("neutron",),
    stages=(VERIFY,),
    census=_census,
    compare=_compare,
)
