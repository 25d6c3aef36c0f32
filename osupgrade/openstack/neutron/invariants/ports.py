"""Ports keep their ids, MACs, addresses, networks and devices; networks, routers and rules stay what they are.

A DHCP port's device id names the agent's host by a hash; which host that is, is the invariant ``scheduled``.
"""

from __future__ import annotations

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

_KINDS = {
    "ports": (
        1,
        "SELECT id, name, network_id, mac_address, device_owner, "
        "IF(device_owner = 'network:dhcp', SUBSTRING(device_id, 42), device_id), status, admin_state_up, tenant_id FROM ports",
    ),
    "addresses of ports": (3, "SELECT port_id, ip_address, subnet_id, network_id FROM ipallocations"),
    "security groups of ports": (2, "SELECT port_id, security_group_id FROM securitygroupportbindings"),
    "security groups": (1, "SELECT id, name, tenant_id FROM securitygroups"),
    "security group rules": (
        1,
        "SELECT id, security_group_id, direction, ethertype, protocol, port_range_min, port_range_max, "
        "remote_ip_prefix, remote_group_id FROM securitygrouprules",
    ),
    "floating addresses": (
        1,
        "SELECT id, floating_ip_address, floating_port_id, fixed_port_id, fixed_ip_address, router_id, tenant_id FROM floatingips",
    ),
    "networks": (1, "SELECT id, name, status, admin_state_up, shared, tenant_id FROM networks"),
    "external networks": (1, "SELECT network_id FROM externalnetworks"),
    "subnets": (1, "SELECT id, name, network_id, ip_version, cidr, gateway_ip, enable_dhcp, tenant_id FROM subnets"),
    "name servers": (2, "SELECT subnet_id, address FROM dnsnameservers"),
    "routes of subnets": (3, "SELECT subnet_id, destination, nexthop FROM subnetroutes"),
    "address pools": (1, "SELECT id, subnet_id, first_ip, last_ip FROM ipallocationpools"),
    "routers": (1, "SELECT id, name, status, admin_state_up, gw_port_id, tenant_id FROM routers"),
    "routes": (3, "SELECT router_id, destination, nexthop FROM routerroutes"),
    "quotas of networks": (1, "SELECT id, tenant_id, resource, `limit` FROM quotas"),
}


def _read(cloud: Cloud) -> Facts:
    there = cloud.tables("neutron")
    return facts_of(cloud, "neutron", {k: v for k, v in _KINDS.items() if v[1].rsplit("FROM ", 1)[1].strip() in there})


check = same(
    "ports",
    "Ports keep id, MAC, addresses, network and device; networks, routers and rules stay what they are",
    ("neutron",),
    _read,
    "what is plugged on the hosts no longer matches what neutron says",
)
