"""Which statements of a dump are queries: no dump needs them, and they get less time."""

import pytest

from osupgrade.dump.watchdog import Stopped, fault_of, is_query


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
        "CREATE TABLE t (a int, KEY (a)) AS WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT 1 FROM c) TABLE c",
        "CREATE TEMPORARY TABLE t (a varchar(9) DEFAULT 'x') SELECT 1",
        "CREATE OR REPLACE TABLE `select` (a int) IGNORE SELECT 1",
        "INSERT INTO t WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT 1 FROM c) SELECT * FROM c",
        "WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT 1 FROM c) SELECT * FROM c",
        "INSERT INTO t TABLE big",
        "INSERT INTO t VALUES ((SELECT COUNT(*) FROM a, b, c))",
        "INSERT INTO t VALUES (1), (SLEEP(100000))",
        "INSERT INTO t SET a = GET_LOCK('x', 100000)",
        "ALTER TABLE t ADD b INT DEFAULT (benchmark (9, 1))",
        "/*!50000 SELECT SLEEP(100000) */",
        "/*M!100100 INSERT INTO t SELECT 1 */",
        "-- a\n# b\nSELECT 1",
    ],
)
def test_a_query_is_known(statement):
    assert is_query(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t VALUES (1)",
        "INSERT INTO `selects` VALUES ('SELECT 1')",
        "INSERT INTO t (`selected`) VALUES (1)",
        "CREATE TABLE `t` (`selected` int)",
        "ALTER TABLE t ENABLE KEYS",
        "/*!40000 ALTER TABLE `t` ENABLE KEYS */",
        "INSERT INTO t VALUES ('SLEEP(1)', \"SELECT 1\", 'it''s \\' SELECT 1",
        "INSERT INTO `SELECT` VALUES (1) /* SELECT 1 */",
        "CREATE TABLE t (a int) WITH SYSTEM VERSIONING",
        "CREATE TABLE t (a int COMMENT 'AS SELECT 1') PARTITION BY LIST (a) (PARTITION p VALUES IN (1))",
    ],
)
def test_what_a_dump_is_made_of_is_no_query(statement):
    assert not is_query(statement)


def test_of_a_procedure_the_call_is_named_which_is_in_the_dump():
    place_of = {"CALL again()": "line 46"}.get
    stopped = Stopped("keeps the server busy", "SET @a = 1", "raise it", ("SET @a = 1", "CALL again()"))
    fault = fault_of("a.sql", stopped, lambda statement: place_of(statement, ""))
    assert fault.message == "a.sql keeps the server busy: line 46"
    assert fault.evidence == "CALL again()"


def test_a_statement_that_is_nowhere_in_the_dump_is_shown():
    fault = fault_of("a.sql", Stopped("keeps the server busy", "SET @a = 1", "raise it"), lambda _statement: "")
    assert (fault.message, fault.evidence) == ("a.sql keeps the server busy", "SET @a = 1")
