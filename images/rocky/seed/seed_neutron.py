"""Fill the neutron database through neutron's own ML2 and service plugins, without a server.

Usage: seed_neutron.py CLOUD.json
"""

import common

cloud = common.deterministic("neutron")

# As the server does: its plugins wait for each other's threads.
from neutron.common import eventlet_utils

eventlet_utils.monkey_patch()

from neutron import manager
from neutron.common import config
from neutron.db import api as neutron_db  # noqa: F401 (sets the database up)
from neutron.plugins.ml2 import plugin as _ml2  # noqa: F401 (registers the options)
from neutron_lib import constants, context
from neutron_lib.plugins import constants as plugins
from neutron_lib.plugins import directory

settings = {
    "DEFAULT": {
        "core_plugin": "ml2",
        "service_plugins": "router,qos,segments,trunk,tag",
        "transport_url": "fake:///",
        "auth_strategy": "noauth",
        "state_path": "/tmp",
        "notify_nova_on_port_status_changes": False,
        "notify_nova_on_port_data_changes": False,
    },
    "database": {"connection": cloud.databases["neutron"]},
    "oslo_concurrency": {"lock_path": "/tmp"},
    "ml2": {
        "type_drivers": "flat,vlan,vxlan",
        "tenant_network_types": "vxlan",
        "mechanism_drivers": "openvswitch",
        "extension_drivers": "port_security,qos",
    },
    "ml2_type_flat": {"flat_networks": "external"},
    "ml2_type_vlan": {"network_vlan_ranges": "physnet1:100:199"},
    "ml2_type_vxlan": {"vni_ranges": "1:1000"},
    "quotas": {"default_quota": -1},
}
config.init(cloud.configured(**settings))
manager.init()
admin = context.get_admin_context()
core = directory.get_plugin()
routers = directory.get_plugin(plugins.L3)
ANY = constants.ATTR_NOT_SPECIFIED
service = cloud.shared("project", "service").replace("-", "")

for host in cloud.computes + ["network1"]:
    kinds = {"Open vSwitch agent": "neutron-openvswitch-agent"}
    if host == "network1":
        kinds.update({"DHCP agent": "neutron-dhcp-agent", "L3 agent": "neutron-l3-agent"})
    for kind in sorted(kinds):
        state = {
            "agent_type": kind,
            "binary": kinds[kind],
            "host": host,
            "topic": "N/A",
            "configurations": {
                "bridge_mappings": {"physnet1": "br-physnet1", "external": "br-ex"},
                "tunnel_types": ["vxlan"],
                "datapath_type": "system",
                "agent_mode": "legacy",
                "handle_internal_only_routers": True,
            },
            "resource_versions": {},
            "start_flag": True,
        }
        with common.shared():
            core.create_or_update_agent(admin, state)


def make_network(network_id, name, project_id, **more):
    """A network as the API would hand it to the plugin."""
    network = {
        "id": network_id,
        "name": name,
        "project_id": project_id,
        "tenant_id": project_id,
        "admin_state_up": True,
        "shared": False,
        "router:external": False,
        "port_security_enabled": True,
        "availability_zone_hints": [],
        "provider:network_type": ANY,
        "provider:physical_network": ANY,
        "provider:segmentation_id": ANY,
    }
    network.update(more)
    core.create_network(admin, {"network": network})


def make_subnet(subnet_id, network_id, name, project_id, cidr, dhcp):
    """A subnet as the API would hand it to the plugin."""
    subnet = {
        "id": subnet_id,
        "name": name,
        "network_id": network_id,
        "project_id": project_id,
        "tenant_id": project_id,
        "cidr": cidr,
        "ip_version": 4,
        "gateway_ip": ANY,
        "allocation_pools": ANY,
        "dns_nameservers": ["192.0.2.53"],
        "host_routes": ANY,
        "enable_dhcp": dhcp,
        "ipv6_ra_mode": ANY,
        "ipv6_address_mode": ANY,
        "subnetpool_id": None,
        "prefixlen": ANY,
        "use_default_subnetpool": False,
        "segment_id": None,
    }
    core.create_subnet(admin, {"subnet": subnet})


outside = cloud.id("network", "external")
flat = {"provider:network_type": "flat", "provider:physical_network": "external", "router:external": True}
make_network(outside, "external", service, **flat)
make_subnet(cloud.id("subnet", "external"), outside, "external", service, "203.0.113.0/24", False)

for place, project in enumerate(cloud.projects):
    owner = cloud.project_id(project)
    network = cloud.id("network", project)
    subnet = cloud.id("subnet", project)
    make_network(network, "%s-net" % project, owner)
    make_subnet(subnet, network, "%s-subnet" % project, owner, "10.20.%d.0/24" % place, True)
    router = {
        "name": "%s-router" % project,
        "project_id": owner,
        "tenant_id": owner,
        "admin_state_up": True,
        "external_gateway_info": {"network_id": outside},
    }
    made = routers.create_router(admin, {"router": router})
    routers.add_router_interface(admin, made["id"], {"subnet_id": subnet})
    web = {"name": "%s-web" % project, "description": "", "project_id": owner, "tenant_id": owner}
    group = core.create_security_group(admin, {"security_group": web})
    for mine, number, server, host in cloud.servers():
        if mine != project:
            continue
        port = {
            "id": cloud.id("port", project, number),
            "name": "%s-port%d" % (project, number),
            "project_id": owner,
            "tenant_id": owner,
            "network_id": network,
            "mac_address": cloud.mac(project, number),
            "fixed_ips": ANY,
            "admin_state_up": True,
            "device_id": server,
            "device_owner": "compute:nova",
            "security_groups": [group["id"]],
            "port_security_enabled": True,
            "binding:host_id": host,
            "binding:vnic_type": "normal",
            "binding:profile": {"trusted": True} if number == 1 else {},
        }
        core.create_port(admin, {"port": port})
        core.update_port_status(admin, port["id"], constants.PORT_STATUS_ACTIVE, host)
    floating = {
        "project_id": owner,
        "tenant_id": owner,
        "floating_network_id": outside,
        "port_id": cloud.id("port", project, 1),
        "fixed_ip_address": None,
        "floating_ip_address": None,
        "subnet_id": None,
        "description": "",
    }
    routers.create_floatingip(admin, {"floatingip": floating})
