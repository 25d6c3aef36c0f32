"""Every invariant is able to fail: each planted damage turns exactly the invariants red that see it, with the row named."""

from dataclasses import dataclass, field

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_paths
from osupgrade.catalog.site import Site
from osupgrade.checks import load_checks
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import restore_lane
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.events import EventLog
from osupgrade.model.finding import Severity
from osupgrade.rehearsal.runner import Runner
from osupgrade.scenarios.loading import load_scenarios

PATH = "grizzly-icehouse"
CHECKS = {name: load_checks()[name] for name in load_paths()[PATH].checks}
UPGRADED_SHELF = "invariants"
GONE = "00000000-dead-dead-dead-000000000000"
"""The id of something that no cloud has."""


@dataclass(frozen=True)
class Damage:
    """One damage to an upgraded cloud.

    ``pick`` is the query for the row that it befalls; ``$key`` in the statements and in ``red`` stands for what it
    gives. Statements run with foreign keys off, unless they put them on. ``red`` says which invariants see it, each
    with the text that its evidence must have.
    """

    name: str
    database: str
    pick: str
    statements: tuple[str, ...]
    red: dict[str, str] = field(hash=False)


def damage(name: str, database: str, pick: str, *statements: str, **red: str) -> Damage:
    return Damage(name, database, pick, statements, red)


INSTANCE = (
    "SELECT MIN(i.uuid) FROM instances i JOIN instance_system_metadata m ON m.instance_uuid = i.uuid "
    "WHERE i.deleted = 0 AND i.host IS NOT NULL AND i.image_ref <> ''"
)
VOLUME = "SELECT MIN(id) FROM volumes WHERE deleted = 0 AND attach_status = 'attached' AND instance_uuid IS NOT NULL"
IMAGE = "SELECT MIN(id) FROM images WHERE deleted = 0"
VM_PORT = (
    "SELECT MIN(p.id) FROM ports p JOIN ipallocations i ON i.port_id = p.id JOIN ml2_port_bindings b "
    "ON b.port_id = p.id AND b.host <> '' JOIN securitygroupportbindings g ON g.port_id = p.id "
    "WHERE p.device_owner LIKE 'compute:%' AND p.id NOT IN "
    "(SELECT fixed_port_id FROM floatingips WHERE fixed_port_id IS NOT NULL)"
)
DHCP_PORT = "SELECT MIN(id) FROM ports WHERE device_owner = 'network:dhcp'"
ROUTER_PORT = "SELECT MIN(id) FROM ports WHERE device_owner = 'network:router_interface'"
UNBOUND_PORT = "SELECT MIN(port_id) FROM ml2_port_bindings WHERE host = ''"
SOLE_DHCP = "SELECT MIN(n) FROM (SELECT network_id n FROM networkdhcpagentbindings GROUP BY 1 HAVING COUNT(*) = 1) s"
TWO_DHCP = (
    "SELECT MIN(n) FROM (SELECT network_id n FROM ports WHERE device_owner = 'network:dhcp' "
    "GROUP BY 1 HAVING COUNT(*) = 2) s"
)
GRE = "SELECT MIN(network_id) FROM ml2_network_segments WHERE network_type = 'gre'"
VLAN = "SELECT MIN(network_id) FROM ml2_network_segments WHERE network_type = 'vlan'"
USER = "SELECT MIN(actor_id) FROM assignment WHERE type = 'UserProject'"
UNBIND = (
    "UPDATE ml2_port_bindings SET host = '', vif_type = 'unbound', driver = NULL, segment = NULL, vif_details = '' "
    "WHERE port_id = '$key'"
)


def one(column: str, table: str, where: str = "1") -> str:
    return f"SELECT MIN({column}) FROM {table} WHERE {where}"


def instance(name: str, change: str, **red: str) -> Damage:
    return damage(name, "nova", INSTANCE, f"UPDATE instances SET {change} WHERE uuid = '$key'", instances="$key", **red)


def port(name: str, change: str, **red: str) -> Damage:
    return damage(name, "neutron", VM_PORT, f"UPDATE ports SET {change} WHERE id = '$key'", ports="$key", **red)


def binding(name: str, change: str, pick: str = VM_PORT) -> Damage:
    statement = f"UPDATE ml2_port_bindings SET {change} WHERE port_id = '$key'"
    return damage(name, "neutron", pick, statement, ports_bound="$key")


def lost(name: str, database: str, table: str, column: str, invariant: str, where: str = "1", **red: str) -> Damage:
    """Rows of a table that must keep them are gone."""
    red = {invariant: "$key", "rows": f"{database}.{table}", **red}
    return damage(
        name, database, one(column, table, where), f"DELETE FROM {table} WHERE {column} = '$key' AND {where}", **red
    )


def changed(
    name: str, database: str, table: str, column: str, change: str, invariant: str, where: str = "1", **red: str
) -> Damage:
    """One row, told by a column, says something else."""
    statement = f"UPDATE {table} SET {change} WHERE {column} = '$key' AND {where}"
    return damage(name, database, one(column, table, where), statement, **{invariant: "$key", **red})


NOVA = [
    instance("an instance on another host", "host = 'compute9'", ports_bound="$key"),
    instance("an instance on another node", "node = 'compute9'"),
    instance("an instance of another flavor", "instance_type_id = instance_type_id + 1"),
    instance("an instance in another state", "vm_state = 'error'"),
    instance("an instance with less memory", "memory_mb = 1"),
    instance("an instance without its key", "key_name = 'another'"),
    instance("an instance of another project", f"project_id = '{GONE}'", orphans=GONE),
    instance("an instance of another image", f"image_ref = '{GONE}'", orphans=GONE),
    instance("an instance soft-deleted", "deleted = id"),
    damage(
        "an instance gone",
        "nova",
        INSTANCE,
        "DELETE FROM instances WHERE uuid = '$key'",
        instances="$key",
        orphans="$key",
        rows="nova.instances",
    ),
    changed(
        "a volume's mapping gone",
        "nova",
        "block_device_mapping",
        "volume_id",
        "deleted = id",
        "instances",
        "deleted = 0",
    ),
    changed(
        "a volume removed with its instance",
        "nova",
        "block_device_mapping",
        "volume_id",
        "delete_on_termination = NOT delete_on_termination",
        "instances",
        "deleted = 0",
    ),
    damage(
        "a swap disk gone",
        "nova",
        one("instance_uuid", "block_device_mapping", "guest_format = 'swap' AND deleted = 0"),
        "DELETE FROM block_device_mapping WHERE instance_uuid = '$key' AND guest_format = 'swap'",
        instances="$key",
    ),
    damage(
        "an association with a security group gone",
        "nova",
        INSTANCE,
        "DELETE FROM security_group_instance_association WHERE instance_uuid = '$key'",
        instances="$key",
        rows="nova.security_group_instance_association",
    ),
    lost("a key pair gone", "nova", "key_pairs", "user_id", "instances", "deleted = 0"),
    changed("another public key", "nova", "key_pairs", "user_id", "public_key = 'ssh-rsa AAAA'", "instances"),
    changed(
        "a flavor with other memory", "nova", "instance_types", "flavorid", "memory_mb = 7", "instances", "deleted = 0"
    ),
    changed(
        "a private flavor public", "nova", "instance_types", "flavorid", "is_public = 1", "instances", "NOT is_public"
    ),
    damage(
        "a specification of a flavor gone",
        "nova",
        one("`key`", "instance_type_extra_specs", "deleted = 0"),
        "DELETE FROM instance_type_extra_specs WHERE `key` = '$key'",
        instances="$key",
        rows="nova.instance_type_extra_specs",
    ),
    damage(
        "an empty network cache",
        "nova",
        INSTANCE,
        "UPDATE instance_info_caches SET network_info = '[]' WHERE instance_uuid = '$key'",
        instances="$key",
    ),
    damage(
        "metadata changed",
        "nova",
        "SELECT MIN(m.instance_uuid) FROM instance_metadata m JOIN instances i ON i.uuid = m.instance_uuid "
        "WHERE i.deleted = 0 AND m.deleted = 0",
        "UPDATE instance_metadata SET value = 'other' WHERE instance_uuid = '$key'",
        instances="$key",
    ),
    damage(
        "system metadata changed",
        "nova",
        INSTANCE,
        "UPDATE instance_system_metadata SET value = '12345' WHERE instance_uuid = '$key' LIMIT 1",
        instances="$key",
    ),
    damage(
        "system metadata gone",
        "nova",
        INSTANCE,
        "DELETE FROM instance_system_metadata WHERE instance_uuid = '$key' LIMIT 1",
        instances="$key",
        rows="nova.instance_system_metadata",
    ),
    damage(
        "actions of a live instance gone",
        "nova",
        INSTANCE,
        "DELETE FROM instance_actions WHERE instance_uuid = '$key'",
        instances="$key",
        rows="nova.instance_actions",
    ),
    damage(
        "a compute node of a deleted service",
        "nova",
        "SELECT MIN(service_id) FROM compute_nodes WHERE deleted = 0",
        "UPDATE services SET deleted = id WHERE id = $key",
        hypervisors="",
    ),
    lost("a host of an aggregate gone", "nova", "aggregate_hosts", "host", "instances"),
    changed(
        "a rule opens another port", "nova", "security_group_rules", "id", "to_port = 1", "instances", "deleted = 0"
    ),
    lost("a floating address of nova-network gone", "nova", "floating_ips", "address", "instances", "deleted = 0"),
    changed("a fixed address freed", "nova", "fixed_ips", "address", "instance_uuid = NULL", "instances", "allocated"),
    changed("a quota changed", "nova", "quotas", "project_id", "hard_limit = 3", "usages"),
    lost("a quota gone", "nova", "quotas", "project_id", "usages"),
    changed("a quota class changed", "nova", "quota_classes", "class_name", "hard_limit = 3", "usages"),
    changed(
        "a usage changed",
        "nova",
        "quota_usages",
        "project_id",
        "in_use = in_use + 1",
        "usages",
        "user_id IS NOT NULL AND resource = 'cores'",
    ),
    changed(
        "a usage reset",
        "nova",
        "quota_usages",
        "project_id",
        "in_use = 0",
        "usages",
        "user_id IS NOT NULL AND resource = 'ram' AND in_use > 0",
    ),
    lost("a row of an unnamed table gone", "nova", "certificates", "id", "rows", rows="nova.certificates"),
    damage(
        "a row doubled",
        "nova",
        one("id", "virtual_interfaces"),
        "INSERT INTO virtual_interfaces (address, uuid, deleted) VALUES ('fa:16:3e:00:00:01', '$key', 0)",
        rows="nova.virtual_interfaces",
    ),
    damage("a table gone", "nova", "SELECT 1", "DROP TABLE s3_images", rows="nova.s3_images"),
]

KEYSTONE = [
    changed("a user disabled", "keystone", "user", "id", "enabled = 0", "grants", "enabled"),
    changed("a leaver enabled", "keystone", "user", "id", "enabled = 1", "grants", "NOT enabled"),
    changed("another password", "keystone", "user", "id", "password = 'x'", "grants"),
    changed("a user renamed", "keystone", "user", "id", "name = 'x'", "grants"),
    damage(
        "a user gone",
        "keystone",
        "SELECT MIN(user_id) FROM {nova}.instances WHERE deleted = 0",
        "DELETE FROM user WHERE id = '$key'",
        grants="$key",
        orphans="$key",
        rows="keystone.user",
    ),
    damage(
        "a project gone",
        "keystone",
        "SELECT MIN(project_id) FROM {nova}.instances WHERE deleted = 0",
        "DELETE FROM project WHERE id = '$key'",
        grants="$key",
        orphans="$key",
        rows="keystone.project",
    ),
    damage("a grant gone", "keystone", USER, "DELETE FROM assignment WHERE actor_id = '$key' LIMIT 1", grants="$key"),
    damage(
        "a grant too many",
        "keystone",
        USER,
        f"INSERT INTO assignment SELECT type, '$key', '{GONE}', role_id, 0 FROM assignment LIMIT 1",
        grants="$key",
    ),
    damage(
        "a grant of another role",
        "keystone",
        one("role_id", "assignment"),
        f"UPDATE assignment SET role_id = '{GONE}' WHERE role_id = '$key'",
        grants="$key",
    ),
    damage(
        "a group's grant gone",
        "keystone",
        one("actor_id", "assignment", "type LIKE 'Group%'"),
        "DELETE FROM assignment WHERE actor_id = '$key'",
        grants="$key",
    ),
    lost("a member of a group gone", "keystone", "user_group_membership", "user_id", "grants"),
    damage(
        "an unknown member of a group",
        "keystone",
        one("group_id", "user_group_membership"),
        f"INSERT INTO user_group_membership (user_id, group_id) VALUES ('{GONE}', '$key')",
        grants="$key",
        orphans=GONE,
        rows="keystone.user_group_membership",
    ),
    changed("a role renamed", "keystone", "role", "id", "name = 'x'", "grants"),
    changed("another endpoint", "keystone", "endpoint", "id", "url = 'http://192.0.2.99/'", "grants"),
    lost("an endpoint gone", "keystone", "endpoint", "id", "grants"),
    changed("another service", "keystone", "service", "id", "type = 'x'", "grants"),
    damage(
        "another EC2 secret",
        "keystone",
        "SELECT SUBSTRING_INDEX(SUBSTRING_INDEX(MIN(`blob`), '\"access\": \"', -1), '\"', 1) FROM credential "
        "WHERE type = 'ec2'",
        """UPDATE credential SET `blob` = '{"access": "$key", "secret": "x"}' WHERE `blob` LIKE '%$key%'""",
        grants="$key",
    ),
    damage(
        "an EC2 key gone",
        "keystone",
        "SELECT SUBSTRING_INDEX(SUBSTRING_INDEX(MIN(`blob`), '\"access\": \"', -1), '\"', 1) FROM credential "
        "WHERE type = 'ec2'",
        "DELETE FROM credential WHERE `blob` LIKE '%$key%'",
        grants="$key",
    ),
    damage(
        "another kind of credential gone",
        "keystone",
        one("id", "credential", "type <> 'ec2'"),
        "DELETE FROM credential WHERE id = '$key'",
        grants="$key",
    ),
    changed("another trustee", "keystone", "trust", "id", "trustee_user_id = 'x'", "grants"),
    lost("a trust without roles", "keystone", "trust_role", "trust_id", "grants"),
    changed("another policy", "keystone", "policy", "id", "`blob` = '{}'", "grants"),
    lost("tokens gone", "keystone", "token", "id", "rows", rows="keystone.token"),
]

GLANCE = [
    changed("another location", "glance", "image_locations", "image_id", "value = 'file:///x'", "images"),
    damage(
        "a location gone",
        "glance",
        one("image_id", "image_locations"),
        "DELETE FROM image_locations WHERE image_id = '$key'",
        images="$key",
    ),
    changed("a property changed", "glance", "image_properties", "image_id", "value = 'x'", "images"),
    lost("a property gone", "glance", "image_properties", "image_id", "images"),
    lost("a member gone", "glance", "image_members", "image_id", "images"),
    changed("a member may share", "glance", "image_members", "image_id", "can_share = NOT can_share", "images"),
    lost("a tag gone", "glance", "image_tags", "image_id", "images"),
    changed("an image in another state", "glance", "images", "id", "status = 'killed'", "images", "status = 'active'"),
    changed("a private image public", "glance", "images", "id", "is_public = 1", "images", "NOT is_public"),
    changed("an image of an unknown owner", "glance", "images", "id", f"owner = '{GONE}'", "images", orphans=GONE),
    damage(
        "an image gone",
        "glance",
        "SELECT MIN(image_ref) FROM {nova}.instances WHERE deleted = 0 AND image_ref <> ''",
        "DELETE FROM images WHERE id = '$key'",
        images="$key",
        orphans="$key",
        rows="glance.images",
    ),
]

CINDER = [
    damage(
        "an attachment gone",
        "cinder",
        VOLUME,
        "UPDATE volumes SET attach_status = 'detached', status = 'available', instance_uuid = NULL WHERE id = '$key'",
        volumes="$key",
    ),
    damage(
        "a volume attached to nothing",
        "cinder",
        VOLUME,
        f"UPDATE volumes SET instance_uuid = '{GONE}' WHERE id = '$key'",
        volumes="$key",
        orphans=GONE,
    ),
    damage(
        "a volume on another host", "cinder", VOLUME, "UPDATE volumes SET host = 'x' WHERE id = '$key'", volumes="$key"
    ),
    damage("a volume resized", "cinder", VOLUME, "UPDATE volumes SET size = 99 WHERE id = '$key'", volumes="$key"),
    damage(
        "a volume gone",
        "cinder",
        VOLUME,
        "DELETE FROM volumes WHERE id = '$key'",
        volumes="$key",
        orphans="$key",
        rows="cinder.volumes",
    ),
    lost("a snapshot gone", "cinder", "snapshots", "id", "volumes", "deleted = 0"),
    lost("metadata of a snapshot gone", "cinder", "snapshot_metadata", "snapshot_id", "volumes", "deleted = 0"),
    lost("a backup gone", "cinder", "backups", "id", "volumes", "deleted = 0"),
    changed(
        "metadata of a volume changed",
        "cinder",
        "volume_metadata",
        "volume_id",
        "value = 'x'",
        "volumes",
        "deleted = 0",
    ),
    changed("a type renamed", "cinder", "volume_types", "id", "name = 'x'", "volumes", "deleted = 0"),
    lost(
        "a specification of a type gone",
        "cinder",
        "volume_type_extra_specs",
        "volume_type_id",
        "volumes",
        "deleted = 0",
    ),
    changed("a quota of volumes changed", "cinder", "quotas", "project_id", "hard_limit = 1", "volumes"),
    changed("a usage of volumes changed", "cinder", "quota_usages", "project_id", "in_use = 99", "volumes"),
    damage(
        "a quota class gone",
        "cinder",
        one("class_name", "quota_classes", "class_name <> 'default'"),
        "DELETE FROM quota_classes WHERE class_name = '$key'",
        volumes="$key",
    ),
    changed("a volume off its target", "cinder", "iscsi_targets", "volume_id", "volume_id = NULL", "volumes"),
    lost("a service gone", "cinder", "services", "id", "rows", rows="cinder.services"),
]

PORTS = [
    port("another MAC", "mac_address = 'fa:16:3e:00:00:01'"),
    port("another device", f"device_id = '{GONE}'", orphans=GONE),
    port("another owner", "device_owner = 'x'"),
    port("a port down", "status = 'ERROR'"),
    damage(
        "a port on another network",
        "neutron",
        VM_PORT,
        "UPDATE ports SET network_id = (SELECT MIN(id) FROM networks WHERE id NOT IN "
        "(SELECT network_id FROM ipallocations WHERE port_id = '$key')) WHERE id = '$key'",
        ports="$key",
        ports_bound="$key",
    ),
    damage(
        "another address",
        "neutron",
        VM_PORT,
        "UPDATE ipallocations SET ip_address = '192.0.2.77' WHERE port_id = '$key'",
        ports="$key",
    ),
    damage(
        "a port gone",
        "neutron",
        VM_PORT,
        "SET foreign_key_checks = 1",
        "DELETE FROM ports WHERE id = '$key'",
        ports="$key",
        rows="neutron.ports",
    ),
    damage(
        "a port without its security groups",
        "neutron",
        VM_PORT,
        "DELETE FROM securitygroupportbindings WHERE port_id = '$key'",
        ports="$key",
        rows="neutron.securitygroupportbindings",
    ),
    changed("a security group renamed", "neutron", "securitygroups", "id", "name = 'x'", "ports"),
    changed("a rule for everybody", "neutron", "securitygrouprules", "id", "remote_ip_prefix = '0.0.0.0/0'", "ports"),
    changed(
        "a floating address loose",
        "neutron",
        "floatingips",
        "id",
        "fixed_port_id = NULL, fixed_ip_address = NULL",
        "ports",
        "fixed_port_id IS NOT NULL",
    ),
    changed("a network shared", "neutron", "networks", "id", "shared = NOT shared", "ports"),
    lost("a network no longer external", "neutron", "externalnetworks", "network_id", "ports"),
    changed("another gateway", "neutron", "subnets", "id", "gateway_ip = '192.0.2.1'", "ports"),
    lost("name servers gone", "neutron", "dnsnameservers", "subnet_id", "ports"),
    lost("a route of a subnet gone", "neutron", "subnetroutes", "subnet_id", "ports"),
    lost("a route of a router gone", "neutron", "routerroutes", "router_id", "ports"),
    changed("another pool", "neutron", "ipallocationpools", "id", "last_ip = '192.0.2.9'", "ports"),
    changed(
        "a router without its gateway",
        "neutron",
        "routers",
        "id",
        "gw_port_id = NULL",
        "ports",
        "gw_port_id IS NOT NULL",
    ),
    changed("a quota of networks changed", "neutron", "quotas", "id", "`limit` = 1", "ports"),
    lost(
        "a free range gone",
        "neutron",
        "ipavailabilityranges",
        "allocation_pool_id",
        "rows",
        rows="neutron.ipavailabilityranges",
    ),
]

SEGMENTS = [
    damage(
        "another tunnel",
        "neutron",
        GRE,
        "UPDATE ml2_network_segments SET segmentation_id = 999 WHERE network_id = '$key'",
        allocations="$key",
    ),
    damage(
        "another physical network",
        "neutron",
        VLAN,
        "UPDATE ml2_network_segments SET physical_network = 'physnet9' WHERE network_id = '$key'",
        allocations="$key",
    ),
    damage(
        "another type of network",
        "neutron",
        GRE,
        "UPDATE ml2_network_segments SET network_type = 'vxlan' WHERE network_id = '$key'",
        allocations="$key",
    ),
    damage(
        "a network without a segment",
        "neutron",
        GRE,
        "DELETE FROM ml2_network_segments WHERE network_id = '$key'",
        allocations="$key",
        ports_bound="$key",
    ),
    damage(
        "a network with two segments",
        "neutron",
        GRE,
        f"INSERT INTO ml2_network_segments (id, network_id, network_type) VALUES ('{GONE}', '$key', 'local')",
        ports_bound="$key",
    ),
    damage(
        "a false VLAN",
        "neutron",
        one("physical_network", "ml2_flat_allocations"),
        "INSERT INTO ml2_vlan_allocations VALUES ('$key', -1, 1)",
        allocations="$key -1",
    ),
    damage(
        "a VLAN not booked",
        "neutron",
        one("vlan_id", "ml2_vlan_allocations"),
        "DELETE FROM ml2_vlan_allocations WHERE vlan_id = $key",
        allocations=" $key",
    ),
    damage(
        "a VLAN booked as free",
        "neutron",
        one("vlan_id", "ml2_vlan_allocations"),
        "UPDATE ml2_vlan_allocations SET allocated = 0 WHERE vlan_id = $key",
        allocations=" $key",
    ),
    damage(
        "a GRE tunnel not booked",
        "neutron",
        one("gre_id", "ml2_gre_allocations"),
        "DELETE FROM ml2_gre_allocations WHERE gre_id = $key",
        allocations="gre  $key",
    ),
    damage(
        "a GRE tunnel booked for nobody",
        "neutron",
        "SELECT 999",
        "INSERT INTO ml2_gre_allocations VALUES ($key, 1)",
        allocations="gre  $key",
    ),
    damage(
        "a flat network not booked",
        "neutron",
        one("physical_network", "ml2_flat_allocations"),
        "DELETE FROM ml2_flat_allocations WHERE physical_network = '$key'",
        allocations="flat $key",
    ),
    damage(
        "the end of a tunnel gone",
        "neutron",
        one("ip_address", "ml2_gre_endpoints"),
        "DELETE FROM ml2_gre_endpoints WHERE ip_address = '$key'",
        allocations="$key",
    ),
]

BINDINGS = [
    damage("an instance's port unbound", "neutron", VM_PORT, UNBIND, ports_bound="$key"),
    damage("a DHCP port unbound", "neutron", DHCP_PORT, UNBIND, ports_bound="$key"),
    damage("a router's port unbound", "neutron", ROUTER_PORT, UNBIND, ports_bound="$key"),
    damage(
        "a port without any binding",
        "neutron",
        VM_PORT,
        "DELETE FROM ml2_port_bindings WHERE port_id = '$key'",
        ports_bound="$key",
    ),
    binding("a port on another host", "host = 'network1'"),
    binding("a port on an unknown host", "host = 'compute9'"),
    binding("a DHCP port on another host", "host = 'compute1'", DHCP_PORT),
    binding("a router's port on another host", "host = 'compute1'", ROUTER_PORT),
    binding("a port whose binding failed", "vif_type = 'binding_failed'"),
    binding("a port of another driver", "driver = 'linuxbridge'"),
    binding("a port without its filter", "vif_details = ''"),
    binding("a port with another filter", """vif_details = '{"port_filter": false}'"""),
    binding("a port of nobody with a type", "vif_type = 'ovs'", UNBOUND_PORT),
    damage(
        "two DHCP ports on one host",
        "neutron",
        TWO_DHCP,
        "UPDATE ml2_port_bindings b JOIN ports p ON p.id = b.port_id SET b.host = 'network1' "
        "WHERE p.network_id = '$key' AND p.device_owner = 'network:dhcp'",
        ports_bound="$key",
    ),
    damage(
        "an agent gone",
        "neutron",
        one("host", "agents", "agent_type = 'Open vSwitch agent'"),
        "DELETE FROM agents WHERE host = '$key' AND agent_type = 'Open vSwitch agent'",
        ports_bound="$key",
    ),
]

SCHEDULED = [
    damage(
        "a network without DHCP",
        "neutron",
        SOLE_DHCP,
        "DELETE FROM networkdhcpagentbindings WHERE network_id = '$key'",
        scheduled="$key",
        rows="neutron.networkdhcpagentbindings",
    ),
    damage(
        "a network on another DHCP agent",
        "neutron",
        SOLE_DHCP,
        "UPDATE networkdhcpagentbindings b JOIN agents a ON a.agent_type = 'DHCP agent' AND a.id <> b.dhcp_agent_id "
        "SET b.dhcp_agent_id = a.id WHERE b.network_id = '$key'",
        scheduled="$key",
        ports_bound="$key",
    ),
    damage(
        "a network on a dead agent",
        "neutron",
        SOLE_DHCP,
        "INSERT INTO agents SELECT 'dead', agent_type, `binary`, topic, CONCAT(host, '.example.net'), admin_state_up, "
        "created_at, started_at, heartbeat_timestamp - INTERVAL 1 DAY, description, configurations FROM agents "
        "WHERE id = (SELECT dhcp_agent_id FROM networkdhcpagentbindings WHERE network_id = '$key')",
        "UPDATE networkdhcpagentbindings SET dhcp_agent_id = 'dead' WHERE network_id = '$key'",
        scheduled="$key",
    ),
    damage(
        "a network one of whose DHCP agents is gone",
        "neutron",
        TWO_DHCP,
        "DELETE FROM agents WHERE id = (SELECT MIN(dhcp_agent_id) FROM networkdhcpagentbindings WHERE network_id = '$key')",
        scheduled="$key",
        ports_bound="$key",
    ),
    lost("a router without an agent", "neutron", "routerl3agentbindings", "router_id", "scheduled"),
    damage(
        "a router on another agent",
        "neutron",
        one("router_id", "routerl3agentbindings"),
        "UPDATE routerl3agentbindings b JOIN agents a ON a.agent_type = 'L3 agent' AND a.id <> b.l3_agent_id "
        "SET b.l3_agent_id = a.id WHERE b.router_id = '$key'",
        scheduled="$key",
        ports_bound="$key",
    ),
]

DAMAGES = [*NOVA, *KEYSTONE, *GLANCE, *CINDER, *PORTS, *SEGMENTS, *BINDINGS, *SCHEDULED]


class Upgraded:
    """The seeded cloud after the whole path, every cure applied; each damage gets it undamaged."""

    def __init__(self, cloud: Cloud, census: dict) -> None:
        self._cloud = cloud
        self._census = census
        self._damaged: set[str] = set()
        cloud.server.save(list(cloud.databases.values()), UPGRADED_SHELF)

    def befall(self, one: Damage) -> str:
        """Restore what earlier damages touched, then damage; the key of the row that it befell."""
        self._restore()
        key = self._cloud.value(one.database, one.pick)
        assert key is not None, f"the seeded cloud has no row for {one.name!r}"
        self._damaged.add(one.database)
        changed = self._cloud.execute(
            one.database,
            "SET foreign_key_checks = 0",
            *(statement.replace("$key", str(key)) for statement in one.statements),
            "SET foreign_key_checks = 1",
        )
        assert changed or one.statements[0].startswith("DROP"), "nothing was damaged"
        return str(key)

    def red(self, *, restored: bool = False) -> dict[str, str]:
        """The invariants that fail, each with its evidence as text."""
        if restored:
            self._restore()
        found: dict[str, list] = {}
        for name, check in CHECKS.items():
            for finding in check.compare(self._cloud, self._census[name]):
                if finding.severity is Severity.ERROR:
                    found.setdefault(name, []).extend(finding.evidence.rows)
        return {name: "\n".join(" ".join(row) for row in rows) for name, rows in found.items()}

    def _restore(self) -> None:
        names = [self._cloud.databases[database] for database in self._damaged]
        if names:
            self._cloud.server.load(UPGRADED_SHELF, {name: name for name in names})
        self._damaged.clear()


@pytest.fixture(scope="module")
def upgraded(laboratory, tmp_path_factory):
    first = laboratory.plan.first
    names = {d.name: d.name for part in first.services.values() for d in part.databases}
    databases = restore_lane(laboratory, names, "invariants")
    run = RunDirectory.make(tmp_path_factory.mktemp("runs"), "invariants")
    cloud = laboratory.cloud(Site(), "invariants", databases, run.path / "logs")
    census = {name: check.census(cloud) for name, check in CHECKS.items()}
    known = load_scenarios([root() / "scenarios"]).applying(laboratory.plan)
    with EventLog(run.events) as events:
        result = (
            Runner(plan=laboratory.plan, run=run, events=events, known=known, checks=tuple(CHECKS.values()))
            .go(cloud)
            .result
        )
    assert result.came_through, [str(s.finding) for s in result.unresolved] + [s.step for s in result.failed]
    yield Upgraded(cloud, census)
    for name in databases.values():
        laboratory.server.drop(name)


def test_the_undamaged_cloud_is_green(upgraded):
    assert upgraded.red(restored=True) == {}


@pytest.mark.parametrize("one", DAMAGES, ids=lambda one: f"{one.database}: {one.name}")
def test_a_damage_is_seen_by_exactly_the_invariants_that_it_concerns(upgraded, one):
    key = upgraded.befall(one)
    red = upgraded.red()
    assert set(red) == set(one.red), red
    for invariant, named in one.red.items():
        assert named.replace("$key", key) in red[invariant]


def test_every_invariant_was_made_to_fail():
    assert {name for one in DAMAGES for name in one.red} == set(CHECKS)
