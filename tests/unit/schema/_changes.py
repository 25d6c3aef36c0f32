"""Changes of tables, and what they ask of rows."""

from osupgrade.schema.catalogue import Lineage, Revision
from osupgrade.schema.conditions import conditions
from osupgrade.schema.snapshot import Schema


def asked(before, after, now=None):
    """The conditions of one step from a schema to another; the database is at the first unless ``now`` says more."""
    old, new = Schema(tables=tuple(before)), Schema(tables=tuple(after))
    line = Lineage("nova", "", "migrate_version", (Revision("1", "a", old), Revision("2", "b", new)), {})
    return conditions(Schema(tables=tuple(now)) if now else old, line, "1")
