"""What gives instances their addresses, at any release.

Newton renames ``tenant_id`` to ``project_id`` and ``ml2_network_segments`` to ``networksegments``; before ML2 each plugin
had its segments in a table of its own, and bindings of ports in none.
"""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

_SEGMENT = (
    "network_id, network_type, NULLIF(physical_network, ''), "
    "IF(network_type IN ('flat', 'local'), NULL, segmentation_id) FROM"
)
_LINUX_BRIDGE = (
    "SELECT network_id, CASE vlan_id WHEN -1 THEN 'flat' WHEN -2 THEN 'local' ELSE 'vlan' END, "
    "NULLIF(physical_network, ''), IF(vlan_id < 0, NULL, vlan_id) FROM network_bindings"
)
SEGMENTS = {
    "networksegments": f"SELECT {_SEGMENT} networksegments",
    "ml2_network_segments": f"SELECT {_SEGMENT} ml2_network_segments",
    "ovs_network_bindings": f"SELECT {_SEGMENT} ovs_network_bindings",
    "network_bindings": _LINUX_BRIDGE,
}
"""By the table that has them: the newest first, since older ones may be left over."""
_IDS = {
    "networksegments": "SELECT id, network_id FROM networksegments",
    "ml2_network_segments": "SELECT id, network_id FROM ml2_network_segments",
}


def _facts(cloud: Cloud) -> Facts:
    tables = cloud.tables("neutron")
    owner = "project_id" if "project_id" in cloud.columns("neutron", "networks") else "tenant_id"
    kinds = {
        "networks": (1, f"SELECT id, {owner}, name, admin_state_up FROM networks"),
        "subnets": (1, "SELECT id, network_id, cidr, gateway_ip, enable_dhcp FROM subnets"),
        "ports": (1, f"SELECT id, {owner}, network_id, mac_address, device_id, device_owner, status FROM ports"),
        "addresses": (2, "SELECT port_id, ip_address, subnet_id FROM ipallocations"),
        "routers": (1, f"SELECT id, {owner}, name, gw_port_id FROM routers"),
        "floating addresses": (1, "SELECT id, floating_ip_address, fixed_port_id, router_id FROM floatingips"),
        "security groups": (1, f"SELECT id, {owner}, name FROM securitygroups"),
        "security group rules": (1, "SELECT id, security_group_id, direction, protocol FROM securitygrouprules"),
    }
    kinds = {kind: (keys, sql) for kind, (keys, sql) in kinds.items() if sql.rsplit(" ", 1)[1] in tables}
    if "ml2_port_bindings" in tables:
        kinds["bindings"] = (2, "SELECT port_id, host, vif_type, vnic_type FROM ml2_port_bindings")
    if segments := next((sql for table, sql in SEGMENTS.items() if table in tables), None):
        kinds["segments"] = (4, segments)
    if ids := next((sql for table, sql in _IDS.items() if table in tables), None):
        kinds["ids of segments"] = (1, ids)
    return facts_of(cloud, "neutron", kinds)


check = same(
    "addresses",
    "Networks, ports, addresses and routers are the same after every hop",
    ("neutron",),
    _facts,
    "an instance is no longer reached at its address",
    every_hop=True,
)
