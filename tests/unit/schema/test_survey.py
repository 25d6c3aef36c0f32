"""Telling databases apart, and a survey through any way to run queries."""

import pytest

from osupgrade.catalog.services import repository
from osupgrade.schema.catalogue import lineage
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.survey import assign, missing_privileges, unseen
from osupgrade.schema.tables import Column, Table

OWN = Schema(tables=(Table("invoices", (Column("id", "int", False),)),))


def head(service, variant=""):
    return lineage(service, variant).head("grizzly").schema


def test_databases_are_known_by_their_tables_whatever_their_names():
    chosen, findings = assign(
        {
            "ovs_quantum": head("neutron", "openvswitch"),
            "a": head("nova"),
            "b": head("cinder"),
            "c": head("glance"),
            "d": head("keystone"),
        }
    )
    assert chosen == {"neutron": "ovs_quantum", "nova": "a", "cinder": "b", "glance": "c", "keystone": "d"}
    assert findings == ()


def test_strangers_and_doubles_are_named():
    chosen, findings = assign({"a_nova": head("nova"), "billing": OWN, "glance": Schema(), "nova": head("nova")})
    assert chosen == {"nova": "nova"}
    assert [f.message for f in findings] == [
        "glance has the name of glance's database, but not its tables, or this account does not see them",
        "a_nova is a second database of nova, besides nova",
        "billing is no database of an OpenStack service that osupgrade knows",
    ]


def test_privileges_that_are_missing_are_named():
    def held(*grants):
        return missing_privileges(lambda sql, parameters: [(grant,) for grant in grants], "nova")

    assert held("GRANT ALL PRIVILEGES ON *.* TO 'root'@'%'") == ()
    assert held("GRANT USAGE ON *.* TO 'u'@'%'", "GRANT ALL PRIVILEGES ON `nova`.* TO 'u'@'%'") == ()
    assert held("GRANT USAGE ON *.* TO 'u'@'%'", "GRANT SELECT ON `nova`.* TO 'u'@'%'") == ("TRIGGER", "SHOW VIEW")
    assert held("GRANT SELECT ON `glance`.* TO 'u'@'%'") == ("SELECT", "TRIGGER", "SHOW VIEW")
    assert held("GRANT SELECT ON `nova`.`instances` TO 'u'@'%'") == ("SELECT", "TRIGGER", "SHOW VIEW")
    assert held("GRANT SELECT, SHOW VIEW, TRIGGER ON `nov%`.* TO 'u'@'%'") == ()
    assert held("GRANT SELECT, SHOW VIEW, TRIGGER ON `n_va`.* TO 'u'@'%'") == ()
    assert held("GRANT SELECT ON `n\\_va`.* TO 'u'@'%'") == ("SELECT", "TRIGGER", "SHOW VIEW")
    assert held("GRANT SELECT, INSERT ON *.* TO 'u'@'%' IDENTIFIED BY PASSWORD '*6'") == ("TRIGGER", "SHOW VIEW")
    assert held("GRANT USAGE ON *.* TO `u`@`%`", "GRANT `reader`@`%` TO `u`@`%`") == ()


def looked_for(service, *there):
    return unseen(lambda sql, parameters: [(name,) for name in there], service, service, head(service))


@pytest.mark.parametrize(
    ("service", "there"),
    [
        ("glance", ["Glance Migrations"]),
        ("glance", ["glance migrations"]),  # the server finds it all the same
        ("nova", ["nova"]),
        ("keystone", ["keystone"]),
        ("keystone", ["keystone_expand", "keystone_data_migrate", "keystone_contract"]),
        ("nova", ["nova", "billing"]),
    ],
)
def test_a_row_under_the_tools_own_name_is_right(service, there):
    assert looked_for(service, *there) is None


def test_a_version_under_another_name_is_not_found_by_the_tool():
    found = looked_for("glance", "glance")
    assert "no row of the repository Glance Migrations" in found.message
    assert [step.statement for step in found.cure.steps] == [
        "UPDATE migrate_version SET repository_id = 'Glance Migrations' WHERE repository_id = 'glance'"
    ]


def test_which_of_several_foreign_rows_it_is_nobody_knows():
    assert looked_for("nova", "a", "b").cure is None


def test_cells_have_their_repository_in_common():
    assert [repository(name) for name in ("nova", "nova_cell0", "nova_api")] == ["nova", "nova", "nova_api"]
