"""Telling databases apart, and a survey through any way to run queries."""

from osupgrade.schema.catalogue import lineage
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.survey import assign, missing_privileges
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
