"""Telling databases apart, and a survey through any way to run queries."""

from osupgrade.schema.catalogue import lineage
from osupgrade.schema.snapshot import Column, Schema, Table
from osupgrade.schema.survey import assign, missing_privileges

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
    chosen, findings = assign({"billing": OWN, "nova": head("nova"), "nova_old": head("nova")})
    assert chosen == {"nova": "nova"}
    assert [f.message for f in findings] == [
        "billing is no database of an OpenStack service that osupgrade knows",
        "nova_old is a second database of nova, besides nova",
    ]


def test_privileges_that_are_missing_are_named():
    def held(*grants):
        return missing_privileges(lambda sql, parameters: [(grant,) for grant in grants], "nova")

    assert held("GRANT ALL PRIVILEGES ON *.* TO 'root'@'%'") == ()
    assert held("GRANT USAGE ON *.* TO 'u'@'%'", "GRANT ALL PRIVILEGES ON `nova`.* TO 'u'@'%'") == ()
    assert held("GRANT USAGE ON *.* TO 'u'@'%'", "GRANT SELECT ON `nova`.* TO 'u'@'%'") == ("TRIGGER", "SHOW VIEW")
    assert held("GRANT SELECT ON `glance`.* TO 'u'@'%'") == ("SELECT", "TRIGGER", "SHOW VIEW")
