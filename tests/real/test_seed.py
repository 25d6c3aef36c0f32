"""The seeded cloud: what it covers, that its services agree with each other, that it is the same each time and in copies."""

import json

import pytest

from osupgrade.catalog.site import Site
from osupgrade.cloud.laboratory import make_schemas, restore_lane
from osupgrade.seed.datahash import hash_of_tables, table_hashes
from osupgrade.seed.description import load_description
from osupgrade.seed.scale import load_scaling, scale
from osupgrade.seed.seeder import load_seeder, seed

SERVICES = ("keystone", "glance", "cinder", "nova", "neutron")
FACTOR = 7

# Tables that stay empty, and why: no code of Grizzly with the Open vSwitch plugin writes them.
NEVER_FILLED = {
    "keystone": set(),
    "glance": set(),
    # migration_create needs an `instances` table that cinder does not have; sm_* belong to a driver that is not used.
    "cinder": {"migrations", "sm_backend_config", "sm_flavors", "sm_volume"},
    # nova-volume's leftovers, and shadows of what nothing soft-deletes.
    "nova": {
        *("iscsi_targets", "snapshots", "volumes", "volume_metadata", "volume_types", "volume_type_extra_specs"),
        *("sm_backend_config", "sm_flavors", "sm_volume", "virtual_storage_arrays"),
    },
    "neutron": {"ovs_tunnel_ips", "servicedefinitions", "servicetypes"},
}
SHADOWS = {
    "shadow_agent_builds",
    "shadow_aggregate_hosts",
    "shadow_aggregate_metadata",
    "shadow_aggregates",
    "shadow_block_device_mapping",
    "shadow_cells",
    "shadow_compute_node_stats",
    "shadow_compute_nodes",
    "shadow_fixed_ips",
    "shadow_instance_info_caches",
    "shadow_instance_metadata",
    "shadow_instance_system_metadata",
    "shadow_instance_type_extra_specs",
    "shadow_instance_type_projects",
    "shadow_instance_types",
    "shadow_instances",
    "shadow_provider_fw_rules",
    "shadow_quota_usages",
    "shadow_quotas",
    "shadow_reservations",
    "shadow_security_group_instance_association",
    "shadow_security_groups",
    "shadow_services",
}

# What must be empty: one relation each, within a service and between services.
RELATIONS = {
    "a tenant that keystone does not know": """
        SELECT project_id FROM {nova}.instances UNION SELECT tenant_id FROM {neutron}.ports WHERE tenant_id <> ''
        UNION SELECT owner FROM {glance}.images UNION SELECT project_id FROM {cinder}.volumes""",
    "a user that keystone does not know": """
        SELECT i.id FROM {nova}.instances i LEFT JOIN {keystone}.user u ON u.id = i.user_id WHERE u.id IS NULL""",
    "an image that glance does not have": """
        SELECT n.id FROM {nova}.instances n LEFT JOIN {glance}.images g ON g.id = n.image_ref
        WHERE n.image_ref <> '' AND g.id IS NULL""",
    "a living instance whose port is gone or another's": """
        SELECT p.id FROM {neutron}.ports p LEFT JOIN {nova}.instances i ON i.uuid = p.device_id AND i.deleted = 0
        WHERE p.device_owner LIKE 'compute:%' AND i.id IS NULL""",
    "an attachment of which cinder knows nothing": """
        SELECT b.id FROM {nova}.block_device_mapping b LEFT JOIN {cinder}.volumes v
        ON v.id = b.volume_id AND v.instance_uuid = b.instance_uuid AND v.status = 'in-use'
        WHERE b.volume_id IS NOT NULL AND b.deleted = 0 AND v.id IS NULL""",
    "an attachment of which nova knows nothing": """
        SELECT v.id FROM {cinder}.volumes v LEFT JOIN {nova}.block_device_mapping b
        ON v.id = b.volume_id AND v.instance_uuid = b.instance_uuid WHERE v.status = 'in-use' AND b.id IS NULL""",
    "a usage that is not what is in use": """
        SELECT q.id FROM {nova}.quota_usages q WHERE q.deleted = 0 AND q.resource = 'instances' AND q.in_use <> (
            SELECT COUNT(*) FROM {nova}.instances i
            WHERE i.project_id = q.project_id AND i.deleted = 0 AND i.vm_state <> 'soft-delete')""",
    "a network without a segment": """
        SELECT n.id FROM {neutron}.networks n LEFT JOIN {neutron}.ovs_network_bindings b ON b.network_id = n.id
        WHERE b.network_id IS NULL""",
    "a VLAN that is in use and not booked": """
        SELECT b.network_id FROM {neutron}.ovs_network_bindings b LEFT JOIN {neutron}.ovs_vlan_allocations a
        ON a.physical_network = b.physical_network AND a.vlan_id = b.segmentation_id AND a.allocated
        WHERE b.network_type = 'vlan' AND a.vlan_id IS NULL""",
    "a tunnel id that is used twice or not booked": """
        SELECT b.segmentation_id FROM {neutron}.ovs_network_bindings b LEFT JOIN {neutron}.ovs_tunnel_allocations a
        ON a.tunnel_id = b.segmentation_id AND a.allocated WHERE b.network_type = 'gre'
        GROUP BY 1 HAVING COUNT(*) > 1 OR COUNT(a.tunnel_id) < 1""",
    "a floating IP whose port is not on its network": """
        SELECT f.id FROM {neutron}.floatingips f JOIN {neutron}.ports p ON p.id = f.floating_port_id
        WHERE p.network_id <> f.floating_network_id""",
    "a DHCP port on a network that its agent does not serve": """
        SELECT p.id FROM {neutron}.ports p LEFT JOIN {neutron}.networkdhcpagentbindings b ON b.network_id = p.network_id
        WHERE p.device_owner = 'network:dhcp' AND (b.network_id IS NULL OR RIGHT(p.device_id, 36) <> p.network_id)""",
    "a router that no agent serves": """
        SELECT r.id FROM {neutron}.routers r LEFT JOIN {neutron}.routerl3agentbindings b ON b.router_id = r.id
        WHERE b.id IS NULL""",
    "a grant to nobody": """
        SELECT g.user_id FROM {keystone}.user_project_metadata g LEFT JOIN {keystone}.user u ON u.id = g.user_id
        LEFT JOIN {keystone}.project p ON p.id = g.project_id WHERE u.id IS NULL OR p.id IS NULL""",
    "a token of nobody": """
        SELECT t.id FROM {keystone}.token t LEFT JOIN {keystone}.user u ON u.id = t.user_id WHERE u.id IS NULL""",
    "a member that is no tenant": """
        SELECT m.id FROM {glance}.image_members m LEFT JOIN {keystone}.project p ON p.id = m.member
        WHERE p.id IS NULL""",
    "an event of another instance's action": """
        SELECT e.id FROM {nova}.instance_actions_events e JOIN {nova}.instance_actions a ON a.id = e.action_id
        LEFT JOIN {nova}.instances i ON i.uuid = a.instance_uuid WHERE i.id IS NULL""",
    "a soft-deleted row that does not bear its own id": """
        SELECT id FROM {nova}.instances WHERE deleted NOT IN (0, id)""",
}
# The first relation lists all tenants; the known ones are taken away.
KNOWN_TENANTS = "SELECT id FROM {keystone}.project"


@pytest.fixture(scope="module")
def small(laboratory):
    names = {name: name for name in SERVICES}
    databases = restore_lane(laboratory, names, "seedsmall")
    yield databases
    for database in databases.values():
        laboratory.server.drop(database)


@pytest.fixture(scope="module")
def scaled(laboratory):
    names = {name: name for name in SERVICES}
    databases = restore_lane(laboratory, names, "seedscaled")
    growth = scale(laboratory.server.engine, "grizzly", databases, FACTOR)
    yield databases, growth
    for database in databases.values():
        laboratory.server.drop(database)


def filled(server, database):
    tables = [row[0] for row in server.rows(database, "SHOW TABLES")]
    return {table: server.rows(database, f"SELECT COUNT(*) FROM `{table}`")[0][0] for table in tables}


@pytest.mark.parametrize("service", SERVICES)
def test_every_table_that_grizzly_can_write_holds_rows(laboratory, small, service):
    rows = filled(laboratory.server, small[service])
    empty = {table for table, count in rows.items() if not count and not table.startswith("shadow_")}
    assert empty == NEVER_FILLED[service]


def test_deleted_rows_were_archived(laboratory, small):
    rows = filled(laboratory.server, small["nova"])
    assert {table for table, count in rows.items() if count and table.startswith("shadow_")} == SHADOWS


def test_instances_are_in_every_state_that_lasts(laboratory, small):
    states = {row[0] for row in laboratory.server.rows(small["nova"], "SELECT DISTINCT vm_state FROM instances")}
    assert states >= {
        "active",
        "stopped",
        "paused",
        "suspended",
        "resized",
        "rescued",
        "error",
        "deleted",
        "soft-delete",
    }


def test_networks_are_of_every_type_and_ports_of_every_owner(laboratory, small):
    types = {r[0] for r in laboratory.server.rows(small["neutron"], "SELECT network_type FROM ovs_network_bindings")}
    assert types == {"gre", "vlan", "flat", "local"}
    owners = {r[0] for r in laboratory.server.rows(small["neutron"], "SELECT DISTINCT device_owner FROM ports")}
    assert owners == {
        *("", "compute:None", "network:dhcp", "network:floatingip"),
        *("network:router_gateway", "network:router_interface"),
    }


def broken(server, databases, what):
    found = {row[0] for row in server.rows("", RELATIONS[what].format(**databases))}
    if what == "a tenant that keystone does not know":
        found -= {row[0] for row in server.rows("", KNOWN_TENANTS.format(**databases))}
    return found


@pytest.mark.parametrize("what", RELATIONS)
def test_the_services_agree_with_each_other(laboratory, small, what):
    assert broken(laboratory.server, small, what) == set()


@pytest.mark.parametrize("what", RELATIONS)
def test_the_services_agree_in_copies_too(laboratory, scaled, what):
    assert broken(laboratory.server, scaled[0], what) == set()


def network_info_against_ports(server, databases):
    """Ports that nova's caches name -> what of them does not fit quantum's ports."""
    ports = {
        row[0]: row[1:] for row in server.rows(databases["neutron"], "SELECT id, mac_address, device_id FROM ports")
    }
    wrong = []
    # Grizzly takes the ports of an instance that failed to spawn away and leaves its cache as it was.
    query = (
        "SELECT c.instance_uuid, c.network_info FROM instance_info_caches c JOIN instances i ON i.uuid = c.instance_uuid "
        "WHERE c.deleted = 0 AND i.vm_state <> 'error'"
    )
    seen = 0
    for instance, info in server.rows(databases["nova"], query):
        for vif in json.loads(info):
            seen += 1
            known = ports.get(vif["id"])
            if known != (vif["address"], instance) or vif["devname"] != f"tap{vif['id'][:11]}":
                wrong.append((instance, vif["id"], vif["devname"], known))
    return seen, wrong


def test_novas_caches_name_quantums_ports(laboratory, small):
    seen, wrong = network_info_against_ports(laboratory.server, small)
    assert seen > 20
    assert wrong == []


def test_every_copys_caches_name_its_own_ports(laboratory, small, scaled):
    seen, wrong = network_info_against_ports(laboratory.server, scaled[0])
    assert seen == FACTOR * network_info_against_ports(laboratory.server, small)[0]
    assert wrong == []


def test_no_table_with_rows_was_forgotten_in_scaling(laboratory, small):
    for service in SERVICES:
        scaling = load_scaling("grizzly")[service]
        known = {copied.table for copied in scaling.copied} | scaling.shared
        rows = filled(laboratory.server, small[service])
        assert {table for table, count in rows.items() if count} - known == set(), service


def test_copied_tables_grow_by_the_factor_and_shared_ones_stay(laboratory, small, scaled):
    databases, growth = scaled
    told = {(g.service, g.table): g for g in growth}
    for service in SERVICES:
        owners = {copied.table: copied.owner for copied in load_scaling("grizzly")[service].copied}
        before, after = filled(laboratory.server, small[service]), filled(laboratory.server, databases[service])
        for table, count in before.items():
            if table in owners:
                assert (told[service, table].before, told[service, table].after) == (count, after[table])
                own = count
                if owners[table]:
                    condition = f"`{owners[table]}` LIKE '%c000%4c0d%'"
                    own = laboratory.server.rows(small[service], f"SELECT COUNT(*) FROM `{table}` WHERE {condition}")[
                        0
                    ][0]
                assert after[table] == count + (FACTOR - 1) * own, table
            else:
                assert after[table] == count, table


def test_a_copy_differs_from_the_original_in_its_ids_only(laboratory, scaled):
    databases, _growth = scaled
    text = "SELECT COUNT(*), COUNT(DISTINCT description) FROM project WHERE description LIKE '%Gr\u00f6\u00dfe%'"
    tenants = len(load_description().tenants.names)
    assert laboratory.server.rows(databases["keystone"], text) == [(tenants * FACTOR, tenants)]


def test_seeding_again_gives_the_same_cloud_to_the_last_byte(laboratory, small, tmp_path):
    names = {name: f"seedagain_{name}" for name in SERVICES}
    release = laboratory.plan.first
    cloud = laboratory.cloud(Site(), "seedagain", names)
    make_schemas(laboratory, cloud, release, tmp_path)
    container = laboratory.workshop.release(release.name)
    seed(load_seeder(release.seed), load_description(), container, container.urls(cloud.setting), print)
    with laboratory.server.engine.connect() as connection:
        first = {f"{s}.{t}": h for s in SERVICES for t, h in table_hashes(connection, small[s]).items()}
        again = {f"{s}.{t}": h for s in SERVICES for t, h in table_hashes(connection, names[s]).items()}
    assert [table for table in first if first[table] != again.get(table)] == []
    assert hash_of_tables(first) == hash_of_tables(again)
    for database in names.values():
        laboratory.server.drop(database)
