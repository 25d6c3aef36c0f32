"""What a cloud gives to scenarios and checks, whatever order its server happens to return rows in."""

import pytest

from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud

ROWS = [("b", None), ("a", 2), ("b", "1"), ("a", None)]
FIRST = [("b", "NULL"), ("a", "2"), ("b", "1"), ("a", "NULL")]
SORTED = [("a", "2"), ("a", "NULL"), ("b", "1"), ("b", "NULL")]


class Server:
    """A server that returns the same rows to every query."""

    def table(self, _database, _sql, _parameters=()):
        return ("name", "value"), list(ROWS)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT name, value FROM t", SORTED),
        ("SELECT name, value FROM (SELECT * FROM t ORDER BY value) s", SORTED),
        ("SELECT name, value FROM t\norder by value DESC", FIRST),
    ],
)
def test_evidence_is_in_one_order(sql, rows):
    cloud = Cloud(Server(), {"nova": "nova"}, Site(), "naive")
    assert list(cloud.evidence("nova", sql).rows) == rows
