"""What gives instances their addresses, from Rocky on."""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

KINDS = {
    "networks": (1, "SELECT id, project_id, name, admin_state_up FROM networks"),
    "subnets": (1, "SELECT id, network_id, cidr, gateway_ip, enable_dhcp FROM subnets"),
    "ports": (1, "SELECT id, project_id, network_id, mac_address, device_id, device_owner, status FROM ports"),
    "addresses": (2, "SELECT port_id, ip_address, subnet_id FROM ipallocations"),
    "bindings": (2, "SELECT port_id, host, vif_type, vnic_type FROM ml2_port_bindings"),
    "segments": (1, "SELECT id, network_id, network_type, physical_network, segmentation_id FROM networksegments"),
    "routers": (1, "SELECT id, project_id, name, gw_port_id FROM routers"),
    "floating addresses": (1, "SELECT id, floating_ip_address, fixed_port_id, router_id FROM floatingips"),
    "security groups": (1, "SELECT id, project_id, name FROM securitygroups"),
    "security group rules": (1, "SELECT id, security_group_id, direction, protocol FROM securitygrouprules"),
}


def _facts(cloud: Cloud) -> Facts:
    return facts_of(cloud, "neutron", KINDS)


check = same(
    "addresses",
    "Networks, ports, addresses and routers are the same after every hop",
    ("neutron",),
    _facts,
    "an instance is no longer reached at its address",
    every_hop=True,
)
