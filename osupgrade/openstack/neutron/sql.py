"""What neutron's checks and scenarios share: the forms in which its database holds ports, hosts and networks."""

from __future__ import annotations

from osupgrade.catalog.releases import load_releases
from osupgrade.model.text import counted
from osupgrade.scenarios import Cloud, Cure, Evidence, Finding, Scenario, Sql, UsageFault, finding

OVS_PLUGIN = "neutron.plugins.openvswitch.ovs_neutron_plugin.OVSNeutronPluginV2"
"""The core plugin of a Grizzly cloud with Open vSwitch, by its name from Havana on."""

OVS_AGENT = "Open vSwitch agent"
"""The type under which the plugin's agents report themselves (agents.agent_type)."""

VIF_DETAILS = '{"port_filter": true, "ovs_hybrid_plug": true}'
"""What ML2 writes for an Open vSwitch port while security groups are on (mech_openvswitch.py, 2014.1.5)."""

_DNS_NAMESPACE = "6ba7b8109dad11d180b400c04fd430c8"


def is_at(cloud: Cloud, release: str) -> bool:
    """Whether neutron's database is at a release: by its stamp, or by its tables where it was never stamped."""
    (database,) = load_releases()[release].services["neutron"].databases
    stamps = cloud.versions("neutron", database.version_table)
    return stamps == database.head or (not stamps and has_tables_of(cloud, release))


def has_tables_of(cloud: Cloud, release: str) -> bool:
    """Whether the tables are those of a release and of no other, by what its ``release.toml`` says of them."""
    part = load_releases()[release].services["neutron"]
    tables = cloud.tables("neutron")
    return part.has_tables <= tables and not part.lacks_tables & tables


def uuid5_of(host: str) -> str:
    """SQL for Python's ``uuid.uuid5(uuid.NAMESPACE_DNS, host)``, by which agents name the ports that they make.

    ``host`` is an SQL expression. The result is ASCII, which compares with a column of any character set.
    """
    digest = f"SHA1(CONCAT(UNHEX('{_DNS_NAMESPACE}'),CONVERT({host} USING utf8)))"
    variant = f"HEX((CONV(SUBSTR({digest},17,2),16,10)&63)|128)"
    return (
        f"CONVERT(LOWER(CONCAT(SUBSTR({digest},1,8),'-',SUBSTR({digest},9,4),'-5',SUBSTR({digest},14,3),'-',"
        f"{variant},SUBSTR({digest},19,2),'-',SUBSTR({digest},21,12))) USING ascii)"
    )


SEGMENTLESS = (
    "SELECT n.id, n.name, COUNT(p.id) FROM networks n LEFT JOIN ovs_network_bindings b ON b.network_id = n.id "
    "LEFT JOIN ports p ON p.network_id = n.id WHERE b.network_id IS NULL GROUP BY n.id, n.name"
)
"""Networks without a segment in the plugin's tables, each with the number of its ports."""

_UNCLAIMED = (
    "SELECT 'gre', NULL, t.tunnel_id FROM ovs_tunnel_allocations t LEFT JOIN ovs_network_bindings b "
    "ON b.network_type IN ('gre', 'vxlan') AND b.segmentation_id = t.tunnel_id "
    "WHERE t.allocated AND b.network_id IS NULL "
    "UNION ALL SELECT IF(v.vlan_id < 1, 'flat', 'vlan'), v.physical_network, v.vlan_id FROM ovs_vlan_allocations v "
    "LEFT JOIN ovs_network_bindings b ON b.network_type IN ('flat', 'vlan') "
    "AND b.physical_network = v.physical_network AND b.segmentation_id = v.vlan_id "
    "WHERE v.allocated AND b.network_id IS NULL"
)


def segmentless(scenario: Scenario, cloud: Cloud, effect: str) -> Finding:
    """What to say of networks without a segment. One booked segment that no network claims is the lost one."""
    networks = cloud.rows("neutron", SEGMENTLESS)
    unclaimed = cloud.rows("neutron", _UNCLAIMED)
    cure = None
    if len(networks) == 1 and len(unclaimed) == 1:
        network, (kind, physical, number) = networks[0][0], unclaimed[0]
        insert = Sql.of(
            "neutron",
            "INSERT IGNORE INTO ovs_network_bindings (network_id, network_type, physical_network, segmentation_id) "
            "VALUES (:network, :kind, :physical, :number)",
            network=network,
            kind=kind,
            physical=physical,
            number=number,
        )
        cure = Cure("give the network the one allocated segment that belongs to no network", (insert,))
        advice = ""
    else:
        advice = (
            counted(
                len(unclaimed),
                "; {n} allocated segment[s] belong[s|] to no network, so it is unknown which one to use: ",
            )
            + "find it in the agents' flows (ovs-ofctl dump-flows br-tun) and insert it into ovs_network_bindings"
        )
    return finding(
        scenario,
        place="neutron.ovs_network_bindings",
        message=counted(len(networks), "{n} network[s] [has|have] no segment"),
        effect=effect + advice,
        evidence=Evidence.of(("network", "name", "ports"), list(networks)),
        cure=cure,
    )


def first_port_is_segmentless(cloud: Cloud) -> bool:
    """Whether the first port by its key, which shapes migrate_to_ml2's one INSERT, is on a network without segment."""
    sql = (
        "SELECT COUNT(b.network_id) FROM ports p LEFT JOIN ovs_network_bindings b ON b.network_id = p.network_id "
        "WHERE p.id = (SELECT MIN(id) FROM ports)"
    )
    return bool(cloud.value("neutron", sql) == 0)


def segmented_network(cloud: Cloud) -> str:
    """A tunnel or VLAN network with ports, and without the first of all ports; raises UsageFault if there is none."""
    sql = (
        "SELECT MIN(b.network_id) FROM ovs_network_bindings b JOIN ports p ON p.network_id = b.network_id "
        "WHERE b.network_type IN ('gre', 'vlan') AND b.network_id NOT IN "
        "(SELECT network_id FROM ports WHERE id = (SELECT MIN(id) FROM ports))"
    )
    network = cloud.value("neutron", sql)
    if network is None:
        raise UsageFault("the cloud has no second tunnel or VLAN network with ports from which to take the segment")
    return str(network)


def server(cloud: Cloud, prepare: str = "") -> str:
    """Python that starts a release's own plugin as neutron-server does, as ``plugin``, without a message bus.

    For :meth:`Cloud.python`; the plugin makes its tables (Havana: db/api.py, ``configure_db``) and books its ranges.
    ``prepare`` is run once the configuration is read.
    """
    return f"""
import gettext
gettext.install("neutron", unicode=1)
from oslo.config import cfg
from neutron.common import config
from neutron.plugins.openvswitch.common import config as ovs
cfg.CONF(["--config-file", etc + "/neutron.conf", "--config-file", etc + "/plugin.ini"], project="neutron")
cfg.CONF.set_override("rpc_backend", "neutron.openstack.common.rpc.impl_fake")
cfg.CONF.set_override("network_vlan_ranges", {cloud.site.network_vlan_ranges.split(",")!r}, "OVS")
{prepare}
from neutron import manager
plugin = manager.NeutronManager.get_plugin()
"""


ML2 = """
from neutron.plugins.ml2 import config as ml2
from neutron.plugins.ml2.drivers import type_flat, type_gre, type_vlan
from neutron.agent import securitygroups_rpc
cfg.CONF.set_override("type_drivers", ["local", "flat", "vlan", "gre"], "ml2")
cfg.CONF.set_override("tenant_network_types", ["gre"], "ml2")
cfg.CONF.set_override("mechanism_drivers", ["openvswitch"], "ml2")
cfg.CONF.set_override("firewall_driver", "neutron.agent.linux.iptables_firewall.OVSHybridIptablesFirewallDriver",
                      "SECURITYGROUP")
from neutron.db import agents_db
said = agents_db.AgentDbMixin.get_configuration_dict
def says(self, agent):
    # Grizzly's agents reported the mapping alone; each living one reports in Icehouse's form once it runs Icehouse.
    found = said(self, agent)
    return found if "bridge_mappings" in found else {"bridge_mappings": found, "tunnel_types": ["gre", "vxlan"]}
agents_db.AgentDbMixin.get_configuration_dict = says
"""
"""What :func:`server` needs to prepare so that Icehouse's ML2 plugin starts, with security groups on."""
