"""Which statements of a dump are queries: no dump needs them, and they get less time."""

import pytest

from osupgrade.dump.watchdog import _QUERY


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        " /* a */ do sleep(1)",
        "INSERT INTO slow SELECT 1 UNION ALL SELECT 2",
        "INSERT INTO `a` (x, y) SELECT 1",
        "insert into t(select 1)",
        "REPLACE INTO big\nSELECT a.a FROM big",
        "CREATE TABLE t AS SELECT 1",
    ],
)
def test_a_query_is_known(statement):
    assert _QUERY.match(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t VALUES (1)",
        "INSERT INTO `selects` VALUES ('SELECT 1')",
        "INSERT INTO t (`selected`) VALUES (1)",
        "CREATE TABLE `t` (`selected` int)",
        "ALTER TABLE t ENABLE KEYS",
    ],
)
def test_what_a_dump_is_made_of_is_no_query(statement):
    assert not _QUERY.match(statement)
