"""A schema as JSON."""

import pytest

from osupgrade.model.errors import UsageFault
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Check, Column, ForeignKey, Index, Routine, Table, Trigger, View


def test_json_gives_back_the_same_schema():
    schema = Schema(
        tables=(
            Table(
                "t",
                (Column("id", "int", False, None, "auto_increment"), Column("n", "text", True, collation="latin1_bin")),
                (Index("PRIMARY", (("id", 0),), True), Index("odd(3)", (("n", 12),), kind="FULLTEXT")),
                (ForeignKey("fk", ("id",), "u", ("id",), "CASCADE", "SET NULL", "other"),),
                (Check("c", "`id` > 0"),),
                engine="MyISAM",
                collation="latin1_swedish_ci",
                row_format="DYNAMIC",
            ),
        ),
        views=(View("v", "select 1"),),
        triggers=(Trigger("g", "t", "BEFORE", "INSERT", "SET NEW.n = 'x'"),),
        routines=(Routine("r", "PROCEDURE", "BEGIN END"),),
        collation="latin1_swedish_ci",
        counters=(("t", 12),),
    )
    again = Schema.from_json(schema.to_json())
    assert again == schema
    assert again.counters == schema.counters


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tables": {"t": {}}}', "null"])
def test_what_is_no_schema_is_refused(text):
    with pytest.raises(UsageFault, match="not a schema"):
        Schema.from_json(text)
