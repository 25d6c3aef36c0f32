"""Tables for the tests of customisations."""

from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, Index, Table

TEXT = "utf8_general_ci"


NOTE = Column("note", "varchar(20)", True, collation=TEXT)


NAME = Column("name", "varchar(64)", True, collation=TEXT)


ID = Column("id", "int", False)


KEY = Index("PRIMARY", (("id", 0),), True)


def table(name, *columns, **parts):
    return Table(name, (ID, *columns), (KEY,), **parts)


def LINE(schema):  # noqa: N802
    from osupgrade.schema.catalogue import Lineage, Revision

    return Lineage("nova", "", "migrate_version", (Revision("1", "grizzly", schema),), {})


def schema(*tables, **rest):
    return Schema(tables=tuple(sorted((*tables, table("migrate_version")), key=lambda t: t.name)), **rest)


OLD = schema(table("hosts", NAME))


OWN = schema(table("hosts", NAME, NOTE))
