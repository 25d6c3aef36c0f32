"""neutron's agents by the names of their hosts: who is whose twin, and how to merge two rows of one agent."""

from __future__ import annotations

import datetime
import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from osupgrade.openstack.neutron.sql import server
from osupgrade.scenarios import Cloud, Evidence, LabFault, Sql

DOWN_AFTER = datetime.timedelta(seconds=75)
"""After how long without a report an agent counts as dead (agent_down_time of Icehouse)."""


@dataclass(frozen=True)
class Agent:
    """A row of ``agents``."""

    id: str
    kind: str
    binary: str
    topic: str
    host: str
    heartbeat: datetime.datetime
    configurations: str

    @property
    def name(self) -> str:
        """The host's name without its domain; an address is no name."""
        return short(self.host)


def short(host: str) -> str:
    """A host's name without its domain, as ``gethostname`` mostly gives it; an address stays as it is."""
    return host if host.replace(".", "").isdigit() else host.split(".")[0]


def agents(cloud: Cloud) -> list[Agent]:
    """All agents, none where the database has no such table."""
    if not cloud.has("neutron") or "agents" not in cloud.tables("neutron"):
        return []
    columns = "id, agent_type, `binary`, topic, host, heartbeat_timestamp, configurations"
    found = cloud.rows("neutron", f"SELECT {columns} FROM agents ORDER BY agent_type, host, id")
    return [replace(Agent(*row), heartbeat=_reported(row[5])) for row in found]


def _reported(heartbeat: object) -> datetime.datetime:
    """When an agent last reported; one with a zero date, which no clock gives, never did."""
    return heartbeat if isinstance(heartbeat, datetime.datetime) else datetime.datetime(1970, 1, 1)


def twins(found: Sequence[Agent], key: Callable[[Agent], Hashable]) -> list[tuple[Agent, ...]]:
    """Agents of one type that share a key, those of a group with the last report first."""
    groups: dict[Hashable, list[Agent]] = defaultdict(list)
    for agent in found:
        groups[agent.kind, key(agent)].append(agent)
    pairs = [sorted(group, key=lambda a: (-a.heartbeat.timestamp(), a.id)) for group in groups.values()]
    return [tuple(group) for group in pairs if len(group) > 1]


def bound_to_replaced(cloud: Cloud) -> Evidence:
    """Networks and routers on agents that a newer row of the same host has replaced."""
    twin = (
        "JOIN agents t ON t.agent_type = a.agent_type AND t.id <> a.id AND t.heartbeat_timestamp > a.heartbeat_timestamp "
        "AND SUBSTRING_INDEX(t.host, '.', 1) = SUBSTRING_INDEX(a.host, '.', 1)"
    )
    return cloud.evidence(
        "neutron",
        "SELECT 'network' AS kind, b.network_id AS id, a.host AS bound_to, t.host AS reports_as FROM networkdhcpagentbindings b "
        f"JOIN agents a ON a.id = b.dhcp_agent_id {twin} "
        "UNION ALL SELECT 'router', b.router_id, a.host, t.host FROM routerl3agentbindings b "
        f"JOIN agents a ON a.id = b.l3_agent_id {twin}",
    )


def merge(group: Sequence[Agent]) -> tuple[Sql, ...]:
    """Give the first agent of ``group`` what the others hold, then delete these; deleting first would unbind it."""
    keep, *gone = (agent.id for agent in group)
    return tuple(
        Sql.of("neutron", template, keep=keep, gone=gone)
        for template in (
            "UPDATE IGNORE networkdhcpagentbindings SET dhcp_agent_id = :keep WHERE dhcp_agent_id IN (:gone)",
            "UPDATE IGNORE routerl3agentbindings SET l3_agent_id = :keep WHERE l3_agent_id IN (:gone)",
            "DELETE a FROM agents a JOIN agents k ON k.id = :keep WHERE a.id IN (:gone)",
        )
    )


def report(cloud: Cloud, release: str) -> None:
    """Every agent's host starts its agent of ``release``, which names itself and reports through that release's code.

    The hosts call themselves by their short names; what the agent makes of it is ``get_hostname`` of the release.
    """
    started = sorted({(a.kind, a.binary, a.topic, a.name, a.configurations) for a in agents(cloud)})
    code = f"""{server(cloud)}
import json, socket
from neutron import context
from neutron.common import utils
from neutron.db import agents_db
from neutron.openstack.common import timeutils
callback = agents_db.AgentExtRpcCallback(plugin)
for kind, binary, topic, name, configurations in json.loads({json.dumps(started)!r}):
    socket.gethostname = socket.getfqdn = lambda: str(name)
    state = dict(agent_type=kind, binary=binary.replace("quantum", "neutron"), topic=topic, host=utils.get_hostname(),
                 configurations=json.loads(configurations), start_flag=True)
    callback.report_state(context.get_admin_context(), agent_state={{"agent_state": state}}, time=timeutils.strtime())
"""
    run = cloud.python(release, "neutron", code)
    if not run.ok:
        raise LabFault(f"{release}'s agents could not report", evidence=run.output[-3000:])
