"""What neutron's checks and scenarios share: the forms in which its database holds ports, hosts and networks."""

from __future__ import annotations

from osupgrade.cloud import Cloud

OVS_AGENT = "Open vSwitch agent"
"""The type under which the plugin's agents report themselves (agents.agent_type)."""

VIF_DETAILS = '{"port_filter": true, "ovs_hybrid_plug": true}'
"""What ML2 writes for an Open vSwitch port while security groups are on (mech_openvswitch.py, 2014.1.5)."""

_DNS_NAMESPACE = "6ba7b8109dad11d180b400c04fd430c8"


def is_grizzly(cloud: Cloud) -> bool:
    """Whether neutron's database stands at Grizzly: by its stamp, or by its tables where it was never stamped."""
    stamps = cloud.versions("neutron", "alembic_version")
    return stamps == ("grizzly",) or (not stamps and grizzly_tables(cloud))


def grizzly_tables(cloud: Cloud) -> bool:
    """Whether the tables are those of Grizzly's Open vSwitch plugin: neither Folsom's, which lack agents and routes,

    nor Havana's, which have port bindings and take ovs_tunnel_ips away.
    """
    tables = cloud.tables("neutron")
    grizzly = {"agents", "routerroutes", "subnetroutes", "networkdhcpagentbindings", "routerl3agentbindings"}
    later = {"extradhcpopts", "portbindingports", "ml2_port_bindings", "allowedaddresspairs"}
    return grizzly | {"networks", "ports", "ovs_network_bindings", "ovs_tunnel_ips"} <= tables and not later & tables


def uuid5_of(host: str) -> str:
    """SQL for Python's ``uuid.uuid5(uuid.NAMESPACE_DNS, host)``, by which agents name the ports that they make.

    ``host`` is an SQL expression.
    """
    digest = f"SHA1(CONCAT(UNHEX('{_DNS_NAMESPACE}'),{host}))"
    variant = f"HEX((CONV(SUBSTR({digest},17,2),16,10)&63)|128)"
    return (
        f"LOWER(CONCAT(SUBSTR({digest},1,8),'-',SUBSTR({digest},9,4),'-5',SUBSTR({digest},14,3),'-',"
        f"{variant},SUBSTR({digest},19,2),'-',SUBSTR({digest},21,12)))"
    )
