"""The catalogue as it lies in the package, against what is known of the releases."""

from dataclasses import replace

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Fate
from osupgrade.schema.catalogue import (
    apply,
    delta,
    expected_tables,
    lineage,
    revision_name,
    services,
    variant_of,
    variants,
)
from osupgrade.schema.identify import study
from osupgrade.schema.predict import predict
from osupgrade.schema.tables import Column, Table

HEADS = {
    "keystone": {"grizzly": ("22", 19), "havana": ("36", 18), "icehouse": ("44", 16)},
    "glance": {"grizzly": ("22", 6), "havana": ("29", 6), "icehouse": ("34", 8)},
    "nova": {"grizzly": ("161", 111), "havana": ("216", 115), "icehouse": ("234", 108)},
    "cinder": {"grizzly": ("9", 19), "havana": ("21", 19), "icehouse": ("22", 19)},
    "neutron": {"grizzly": ("grizzly", 26), "havana": ("havana", 28), "icehouse": ("icehouse", 28)},
}


def first_variant(service):
    return variants(service)[0]


def test_the_five_services_are_there_and_the_later_paths_databases():
    assert set(services()) == {*HEADS, "nova_api", "placement"}


def test_a_path_of_packages_has_every_release_s_head():
    path = load_paths()["caracal-gazpacho"]
    seen = {}
    for release in path.releases:
        for part in load_releases()[release].services.values():
            for database in part.databases:
                if database.name != "nova_cell0":  # the schema of nova's own
                    head = lineage(database.name, "caracal-hibiscus").head(release)
                    assert head.name == revision_name(database.head)
                    seen[release, database.name] = len(head.schema.tables)
    assert [seen[release, "neutron"] for release in path.releases] == [134, 135, 135]
    assert [seen[release, "nova"] for release in path.releases] == [111, 111, 111]
    assert [seen[release, "keystone"] for release in path.releases] == [49, 49, 49]
    assert seen["caracal", "nova_api"] == 32


def test_an_own_table_of_a_later_release_is_seen_and_its_collision_foretold():
    line = lineage("neutron", "caracal-hibiscus")
    first = line.head("caracal")
    own = Table("porttrusted", (Column("port_id", "varchar(36)", False),))
    schema = replace(first.schema, tables=(*first.schema.tables, own))
    studied = study("neutron", schema, ("0e6eff810791", "5c85685d616d"), expected="openvswitch")
    assert (studied.identity.line.variant, studied.identity.honest) == ("caracal-hibiscus", True)
    (change,) = studied.customisations
    (foretold,) = predict([change], studied.identity.line, studied.identity.revision.name)
    assert (foretold.fate, foretold.release) == (Fate.IN_THE_WAY, "dalmatian")


@pytest.mark.parametrize("service", HEADS)
def test_heads_and_counts_of_tables_are_those_that_were_seen(service):
    line = lineage(service, first_variant(service))
    found = {release: line.head(release) for release in HEADS[service]}
    assert {r: (head.name, len(head.schema.tables)) for r, head in found.items()} == HEADS[service]


@pytest.mark.parametrize("service", HEADS)
def test_heads_are_those_of_the_releases(service):
    for release in ("grizzly", "havana", "icehouse"):
        (database,) = load_releases()[release].services[service].databases
        assert (lineage(service, first_variant(service)).head(release).name,) == database.head


@pytest.mark.parametrize("service", ["keystone", "glance", "cinder", "nova"])
def test_every_number_is_there(service):
    numbers = [int(revision.name) for revision in lineage(service).revisions]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_the_move_to_ml2_is_the_last_revision():
    line = lineage("neutron", "openvswitch")
    assert line.revisions[-1].name == "ml2"
    assert line.head("icehouse").name == "icehouse"
    assert "ml2_port_bindings" in line.revisions[-1].schema.names - line.head("icehouse").schema.names


def test_what_a_server_makes_itself_is_optional():
    def optional(variant, release):
        line = lineage("neutron", variant)
        return set(line.optional(line.head(release)))

    assert optional("openvswitch", "grizzly") == {"quotas"}
    assert "vips" in optional("openvswitch+lbaas", "grizzly")
    assert "vips" not in optional("openvswitch+lbaas", "havana")


def test_the_move_to_ml2_may_leave_the_old_plugin_s_tables():
    line = lineage("neutron", "openvswitch")
    assert "ovs_network_bindings" in line.optional(line.at("ml2"))
    assert "ovs_network_bindings" not in line.optional(line.at("icehouse"))


def test_known_facts_of_single_revisions():
    nova = lineage("nova")
    assert "disabled_reason" not in {c.name for c in nova.at("187").schema.table("services").columns}
    assert "disabled_reason" in {c.name for c in nova.at("188").schema.table("services").columns}
    assert nova.at("162").schema is nova.at("171").schema
    assert "volume_types" in nova.at("192").schema.names
    assert "volume_types" not in nova.at("193").schema.names


@pytest.mark.parametrize("service", HEADS)
def test_deltas_give_back_every_revision(service):
    tables = {}
    for revision in lineage(service, first_variant(service)).revisions:
        wanted = {table.name: table for table in revision.schema.tables}
        tables = apply(tables, delta(tables, wanted))
        assert tables == wanted


def test_variants_follow_the_site():
    assert variant_of("nova", Site(plugin="linuxbridge")) == ""
    assert variant_of("neutron", Site(plugin="linuxbridge", service_plugins=("router", "lbaas"))) == "linuxbridge+lbaas"
    assert {variant_of("neutron", Site(plugin=p)) for p in ("openvswitch", "linuxbridge", "ml2")} < set(
        variants("neutron")
    )


def test_expected_tables():
    assert expected_tables("nova", "icehouse", Site()) == lineage("nova").at("234").schema.names
    assert "porttrusted" in expected_tables("neutron", "epoxy", Site()) - expected_tables("neutron", "caracal", Site())
    assert "traits" in expected_tables("placement", "zed", Site())
    assert expected_tables("placement", "rocky", Site()) == frozenset()


def test_unknown_names_are_told():
    with pytest.raises(UsageFault, match="no revision '999'"):
        lineage("nova").at("999")
    with pytest.raises(UsageFault, match="does not know 'heat'"):
        lineage("heat")
    with pytest.raises(UsageFault, match="no neutron with midonet"):
        lineage("neutron", "midonet")


def test_neutrons_plugin_sets_share_their_chain():
    def names(variant):
        return [r.name for r in lineage("neutron", variant).revisions]

    assert names("openvswitch") == names("openvswitch+lbaas") == names("linuxbridge") == names("linuxbridge+lbaas")
    assert names("ml2") == names("ml2+lbaas")
    # Icehouse put these two before `havana`; whoever was stamped `havana` by Havana's tool never runs them.
    assert set(names("ml2")) - set(names("openvswitch")) == {"49f5e553f61f", "40b0aff0302e"}
