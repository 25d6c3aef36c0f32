"""Every port has the binding that ML2 would give it: bound where its device runs, or in the exact unbound form."""

from __future__ import annotations

import json
from collections.abc import Iterator

from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.stage import VERIFY
from osupgrade.model.text import counted
from osupgrade.openstack.neutron.sql import OVS_AGENT, VIF_DETAILS, uuid5_of


def _census(_cloud: Cloud) -> None:
    """Nothing to hold still: a Grizzly database does not know where its ports are."""


_SERVING = (
    "SELECT 1 FROM networkdhcpagentbindings d JOIN agents a ON a.id = d.dhcp_agent_id WHERE d.network_id = p.network_id"
)
_ROUTING = "SELECT 1 FROM routerl3agentbindings r JOIN agents a ON a.id = r.l3_agent_id WHERE r.router_id = p.device_id"
# By the short name: under which name an agent reports is the business of the rule above and of ``scheduled``.
_SAME_HOST = "SUBSTRING_INDEX(a.host, '.', 1) = SUBSTRING_INDEX(b.host, '.', 1)"

_RULES = (
    (
        "port[s] [has|have] no binding at all",
        "ML2 inserts an unbound one when the agent asks, and the agent then does not wire the port (ml2/rpc.py)",
        "port device_owner device_id",
        "SELECT p.id, p.device_owner, p.device_id FROM ports p "
        "LEFT JOIN ml2_port_bindings b ON b.port_id = p.id WHERE b.port_id IS NULL",
    ),
    (
        "port[s] without a host [is|are] not stored as ML2 itself stores an unbound port",
        "the server treats them as bound",
        "port vif_type driver segment vnic_type vif_details profile",
        "SELECT port_id, vif_type, driver, segment, vnic_type, vif_details, profile FROM ml2_port_bindings "
        "WHERE host = '' AND NOT (vif_type = 'unbound' AND driver IS NULL AND segment IS NULL "
        "AND vnic_type = 'normal' AND vif_details = '' AND profile = '')",
    ),
    (
        "port[s] with a host [is|are] not bound by Open vSwitch to the segment of [its|their] network",
        "the agent gets no network for them and does not wire them",
        "port host vif_type driver segment",
        "SELECT b.port_id, b.host, b.vif_type, b.driver, b.segment FROM ml2_port_bindings b "
        "JOIN ports p ON p.id = b.port_id "
        "LEFT JOIN ml2_network_segments s ON s.id = b.segment AND s.network_id = p.network_id "
        "WHERE b.host <> '' AND (b.vif_type <> 'ovs' OR b.driver IS NULL OR b.driver <> 'openvswitch' OR s.id IS NULL)",
    ),
    (
        "port[s] [is|are] bound to [a host|hosts] without a reporting Open vSwitch agent",
        "the next update of the port ends in binding_failed (mech_agent.py)",
        "port host device_owner",
        "SELECT b.port_id, b.host, p.device_owner FROM ml2_port_bindings b JOIN ports p ON p.id = b.port_id "
        "WHERE b.host <> '' AND NOT EXISTS (SELECT 1 FROM agents a LEFT JOIN agents t ON t.agent_type = a.agent_type "
        "AND SUBSTRING_INDEX(t.host, '.', 1) = SUBSTRING_INDEX(a.host, '.', 1) "
        "AND t.heartbeat_timestamp > a.heartbeat_timestamp + INTERVAL 75 SECOND "
        f"WHERE a.host = b.host AND a.agent_type = '{OVS_AGENT}' AND t.id IS NULL)",
    ),
    (
        "DHCP port[s] [is|are] bound to [a host that does|hosts that do] not serve [its|their] network",
        "the host that serves DHCP gets no network for the port, and its instances no address",
        "port bound_to network",
        "SELECT p.id, b.host, p.network_id FROM ports p JOIN ml2_port_bindings b ON b.port_id = p.id "
        "WHERE p.device_owner = 'network:dhcp' AND b.host <> '' "
        f"AND EXISTS ({_SERVING}) AND NOT EXISTS ({_SERVING} AND {_SAME_HOST})",
    ),
    # One that is named after no agent may be unbound: nothing tells whose it is, and agents make themselves new ones.
    (
        "DHCP port[s] [is|are] not bound to the host that [it is|they are] named after",
        "the host that serves DHCP gets no network for the port, and its instances no address",
        "port bound_to agent network",
        "SELECT p.id, b.host, a.host, p.network_id FROM ports p JOIN ml2_port_bindings b ON b.port_id = p.id "
        "JOIN networkdhcpagentbindings d ON d.network_id = p.network_id JOIN agents a ON a.id = d.dhcp_agent_id "
        f"AND SUBSTRING(p.device_id, 5, 36) = {uuid5_of('a.host')} "
        f"WHERE p.device_owner = 'network:dhcp' AND NOT {_SAME_HOST}",
    ),
    (
        "router port[s] [is|are] not bound to the host of [its|their] router",
        "the host that routes gets no network for the port",
        "port bound_to router",
        "SELECT p.id, b.host, p.device_id FROM ports p JOIN ml2_port_bindings b ON b.port_id = p.id "
        "WHERE p.device_owner IN ('network:router_interface', 'network:router_gateway') "
        f"AND EXISTS ({_ROUTING}) AND NOT EXISTS ({_ROUTING} AND {_SAME_HOST})",
    ),
    (
        "network[s] [does|do] not have exactly one segment",
        "without a segment its ports have no connection; with several, they may be on any of them",
        "network name segments",
        "SELECT n.id, n.name, COUNT(s.id) FROM networks n LEFT JOIN ml2_network_segments s ON s.network_id = n.id "
        "GROUP BY n.id, n.name HAVING COUNT(s.id) <> 1",
    ),
)

_INSTANCES = (
    "instance port[s] [is|are] not bound to the host on which nova runs the instance",
    "the port stays dead after the next restart of the agent, and a hard reboot writes a vif without a type",
    "port bound_to instance runs_on",
    "SELECT p.id, COALESCE(b.host, 'NULL'), i.uuid, i.host FROM ports p "
    "JOIN (SELECT DISTINCT CONVERT(uuid USING utf8) AS uuid, CONVERT(host USING utf8) AS host FROM {nova}.instances "
    "WHERE deleted = 0 AND host IS NOT NULL) i ON i.uuid = CONVERT(p.device_id USING utf8) "
    "LEFT JOIN ml2_port_bindings b ON b.port_id = p.id "
    "WHERE p.device_owner LIKE 'compute:%' AND (b.host IS NULL OR CONVERT(b.host USING utf8) <> i.host)",
)


def _compare(cloud: Cloud, _before: None) -> Iterator[Finding]:
    if "ml2_port_bindings" not in cloud.tables("neutron"):
        return
    rules = (*_RULES, _INSTANCES) if cloud.has("nova") else _RULES
    for message, consequence, columns, sql in rules:
        evidence = Evidence.of(tuple(columns.split()), cloud.rows("neutron", sql))
        if evidence.total:
            yield _finding(counted(evidence.total, f"{{n}} {message}"), consequence, evidence)
    if cloud.site.security_groups:
        yield from _details(cloud)


def _details(cloud: Cloud) -> Iterator[Finding]:
    rows = cloud.rows(
        "neutron", "SELECT port_id, host, vif_details FROM ml2_port_bindings WHERE vif_type = 'ovs' AND host <> ''"
    )
    wanted = json.loads(VIF_DETAILS)
    wrong: list[tuple[object, ...]] = [row for row in rows if _parsed(row[2]) != wanted]
    if wrong:
        yield _finding(
            counted(len(wrong), "{n} bound port[s] [is|are] not marked as filtered"),
            "at the next hard reboot nova plugs them without the bridge that applies the security group rules",
            Evidence.of(("port", "host", "vif_details"), wrong),
        )


def _parsed(details: str) -> object:
    try:
        return json.loads(details)
    except ValueError:
        return None


def _finding(message: str, consequence: str, evidence: Evidence) -> Finding:
    return Finding(
        source=check.name,
        severity=Severity.ERROR,
        service="neutron",
        place="neutron.ml2_port_bindings",
        message=message,
        consequence=consequence,
        evidence=evidence,
    )


check = Check(
    name="ports_bound",
    title="Every port has the binding that ML2 would give it",
    services=("neutron",),
    stages=(VERIFY,),
    census=_census,
    compare=_compare,
)
