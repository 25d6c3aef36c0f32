"""What the hunt plants, and where it writes what it found."""

import pytest

from osupgrade.schema import outcomes
from osupgrade.schema.conditions import Condition, Kind
from osupgrade.schema.snapshot import Schema
from osupgrade.schema.tables import Column, Index, Table
from tools.hunt import MARK, PAGE, page, planting

SEGMENTS = Table(
    "segments",
    (
        Column("id", "varchar(36)", False),
        Column("network_id", "varchar(36)", True),
        Column("standard_attr_id", "bigint", False),
        Column("note", "varchar(20)", True),
    ),
    indexes=(
        Index("PRIMARY", (("id", 0),), unique=True),
        Index("uniq_attr", (("standard_attr_id", 0),), unique=True),
    ),
)


def condition(kind, *columns):
    return Condition(kind, "neutron", "r", "yoga", "segments", columns, "", ())


def planted(kind, *columns):
    return planting(condition(kind, *columns), Schema(tables=(SEGMENTS,)), [])


def test_a_copied_row_differs_by_every_key_that_is_there():
    assert planted(Kind.UNIQUE, "network_id") == (
        "INSERT INTO `segments` (`id`, `network_id`, `standard_attr_id`, `note`) "
        "SELECT '00000000-dead-0000-0000-000000000000', `network_id`, 987654, `note` "
        "FROM `segments` WHERE `network_id` IS NOT NULL LIMIT 1"
    )
    assert planted(Kind.UNIQUE, "id", "network_id") == ""


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Kind.NOT_NULL, "NULL"), (Kind.PARENT, "'00000000-dead-0000-0000-000000000000'"), (Kind.FITS, "REPEAT('x', 254)")],
)
def test_rows_that_violate_a_condition_of_one_column(kind, value):
    assert planted(kind, "network_id") == f"UPDATE `segments` SET `network_id` = {value} LIMIT 2"


def test_the_guide_shows_what_was_found():
    assert f"{MARK}\n{page(outcomes.results())}\n{MARK}" in PAGE.read_text("utf-8")
