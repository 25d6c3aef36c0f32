"""Tables in their short form."""

import pytest

from osupgrade.schema.table_data import column_data, column_from
from osupgrade.schema.tables import Column


@pytest.mark.parametrize("default", [None, "", "0", "x"])
@pytest.mark.parametrize("extra", ["", "auto_increment"])
@pytest.mark.parametrize("collation", ["", "utf8_general_ci", "utf8_bin"])
def test_a_column_comes_back_from_its_short_form(default, extra, collation):
    one = Column("c", "varchar(9)", True, default, extra, collation)
    assert column_from(column_data(one, "utf8_general_ci"), "utf8_general_ci") == one
