import pytest

from osupgrade.catalog.site import Site
from osupgrade.model.errors import UsageFault
from osupgrade.seed.scale import (
    MOST,
    Column,
    Copied,
    check_factor,
    copied_from,
    load_scaling,
    original,
    scale,
    site_of_copies,
    statement,
    stride_for,
)
from osupgrade.seed.seeder import load_seeder

ID = Column("id", "varchar", 36)
NUMBER = Column("id", "int", None)


def test_ids_are_rewritten_in_every_text_that_can_hold_one_and_nowhere_else():
    columns = [ID, Column("status", "varchar", 16), Column("device", "varchar", 255), Column("up", "tinyint", None)]
    made = statement("quantum", Copied("ports"), columns, 1000)
    assert "REPLACE(REPLACE(BINARY t.`id`, '-c000-', copies.dashed), 'c0004c0d', copies.plain)" in made
    assert "REPLACE(REPLACE(BINARY t.`device`" in made
    assert ", t.`status`," in made
    assert ", t.`up` FROM" in made
    assert made.startswith("INSERT INTO `quantum`.`ports` (`id`, `status`, `device`, `up`) SELECT ")


def test_tap_devices_in_long_texts_follow_their_ports():
    made = statement("nova", Copied("caches", keys=("id",)), [NUMBER, Column("network_info", "text", 65535)], 1000)
    assert "'-c0\"', copies.tap)" in made


def test_keys_move_on_by_the_stride_and_so_do_references_to_them():
    made = statement("nova", Copied("events", keys=("id", "action_id")), [NUMBER, Column("action_id", "int", None)], 10)
    assert "t.`id` + copies.k * 10, t.`action_id` + copies.k * 10" in made


@pytest.mark.parametrize("nova, kind, moved", [(True, "int", True), (True, "tinyint", False), (False, "int", False)])
def test_only_novas_soft_deletion_names_the_row(nova, kind, moved):
    columns = [NUMBER, Column("deleted", kind, None)]
    made = statement("d", Copied("instances", keys=("id",)), columns, 1000, deleted_by_id=nova)
    assert ("IF(t.`deleted` = 0, 0, t.`deleted` + copies.k * 1000)" in made) is moved


def test_what_the_copies_share_is_left_out_by_its_missing_marker():
    assert original("keystone", Copied("user", owner="id"), [ID]).endswith(
        "FROM `keystone`.`user` WHERE `id` LIKE '%c000%4c0d%' ORDER BY `id`"
    )
    assert "WHERE" not in original("quantum", Copied("ports"), [ID])


@pytest.mark.parametrize("greatest, stride", [(0, 1000), (999, 1000), (1000, 10_000), (123_456, 1_000_000)])
def test_the_stride_is_above_every_key(greatest, stride):
    assert stride_for(greatest, 2) == stride


def test_keys_that_would_overflow_are_refused_with_what_is_possible():
    with pytest.raises(UsageFault, match="2147 times at most"):
        stride_for(999_999, 2148)
    assert stride_for(999_999, 2147) == 1_000_000


@pytest.mark.parametrize("factor", [0, -1, MOST + 1])
def test_impossible_factors_are_refused_before_the_database_is_touched(factor):
    with pytest.raises(UsageFault, match="from 1 to 16384"):
        scale(None, "grizzly", {}, factor)


def test_another_releases_databases_are_refused():
    with pytest.raises(UsageFault, match="nova_api, placement"):
        scale(None, "grizzly", {"nova": "nova", "placement": "placement", "nova_api": "nova_api"}, 2)
    check_factor("grizzly", ["nova", "placement", "nova_api"], 1)
    check_factor("caracal", ["nova", "placement", "nova_api"], 2)


@pytest.mark.parametrize("seeder", ["grizzly", "caracal"])
def test_no_table_is_both_copied_and_shared(seeder):
    assert set(load_scaling(seeder)) == set(load_seeder(seeder).databases)
    for scaling in load_scaling(seeder).values():
        assert not {copied.table for copied in scaling.copied} & scaling.shared


def test_parents_are_copied_before_their_children():
    order = {service: [copied.table for copied in tables.copied] for service, tables in load_scaling("grizzly").items()}
    for service, parent, child in (
        ("keystone", "project", "user_project_metadata"),
        ("keystone", "user", "credential"),
        ("keystone", "group", "user_group_membership"),
        ("glance", "images", "image_members"),
        ("cinder", "volumes", "volume_metadata"),
        ("cinder", "snapshots", "volume_glance_metadata"),
        ("cinder", "quota_usages", "reservations"),
        ("nova", "instances", "instance_system_metadata"),
        ("nova", "security_groups", "security_group_rules"),
        ("nova", "instance_actions", "instance_actions_events"),
        ("neutron", "networks", "subnets"),
        ("neutron", "ports", "ipallocations"),
        ("neutron", "ports", "routers"),
        ("neutron", "routers", "floatingips"),
    ):
        assert order[service].index(parent) < order[service].index(child)


def test_novas_shadow_tables_are_copied_as_their_tables_are():
    tables = iter(load_scaling("grizzly")["nova"].copied)
    for table, shadow in zip(tables, tables, strict=True):
        assert shadow.table == f"shadow_{table.table}"
        assert (shadow.keys, shadow.owner) == (table.keys, table.owner)


def test_the_site_of_copies_has_each_ones_physical_networks():
    site = Site(network_vlan_ranges="physnet1:100:299,physnet2")
    assert site_of_copies(site, 1) == site
    assert site_of_copies(site, 3).network_vlan_ranges == (
        "physnet1:100:299,physnet2,physnet1-1:100:299,physnet2-1,physnet1-2:100:299,physnet2-2"
    )


def test_a_copy_s_name_leads_back_to_its_original():
    assert copied_from("commerce-user1-17") == copied_from("commerce-user1") == "commerce-user1"
