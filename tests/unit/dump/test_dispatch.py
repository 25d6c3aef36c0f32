"""Which statements of a dump wait for others: whatever depends on what came before, and nothing else of an honest one."""

import pytest

from osupgrade.dump.dispatch import COMMIT, Dispatch, Way
from osupgrade.dump.reword import Rewording
from osupgrade.dump.statements import statements

HEAD = "/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;\nUSE `nova`;\n"
MADE = (
    "CREATE TABLE `t` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `s` text,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\n"
)
LETTERS = {Way.ROWS: "r", Way.AHEAD: "m", Way.ALONE: "a", Way.EVERY: "e"}
"""m is for what makes and drops tables."""


def sent(text: str):
    reword, dispatch = Rewording({"nova": "nova"}, keep=True), Dispatch()
    for statement, _ in reword.statements(statements([text.encode()])):
        if statement:
            yield from dispatch.send(statement)


def ways(text: str) -> str:
    """The ways of the statements behind HEAD, a letter each; rows that wait for others of their table in capitals."""
    found = [LETTERS[each.way].upper() if each.ordered else LETTERS[each.way] for each in sent(HEAD + text)]
    assert found[:2] == ["e", "e"]
    return "".join(found[2:])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DROP TABLE IF EXISTS `t`;\n" + MADE, "mm"),
        # Between its lock and the lock's end, each statement of rows goes to any session; the lock is tried and given up.
        (
            MADE + "LOCK TABLES `t` WRITE;\n/*!40000 ALTER TABLE `t` DISABLE KEYS */;\n"
            "INSERT INTO `t` VALUES (1,'a'),(2,'b');\nINSERT INTO `t` VALUES (3,'c');\n"
            "/*!40000 ALTER TABLE `t` ENABLE KEYS */;\nUNLOCK TABLES;\n",
            "mmr",
        ),
        (MADE + "INSERT INTO t VALUES\n(1,'a');\nSET NAMES utf8;\nINSERT INTO t VALUES (2,'b');\n", "mrer"),
        # The server gives numbers by the order in which rows come.
        (
            MADE + "INSERT INTO t VALUES (1,'a');\nINSERT INTO `t` VALUES (NULL,'b');\nINSERT INTO t VALUES (3,'');\n",
            "mrRR",
        ),
        (MADE + "INSERT INTO t (s) VALUES ('b');\n", "mR"),
        (
            MADE.replace("`id` int(11) NOT NULL AUTO", "`a` int, `id` int AUTO") + "INSERT INTO t VALUES (1,2,'');\n",
            "mR",
        ),
        # Of a table that was not seen, or of another engine, nothing is known.
        ("INSERT INTO t VALUES (1,'a');\n", "a"),
        (
            MADE.replace("InnoDB", "MyISAM")
            + "LOCK TABLES `t` WRITE;\nINSERT INTO t VALUES (1,'a');\nUNLOCK TABLES;\n",
            "maaa",
        ),
        (MADE + "INSERT INTO t SELECT 1, 'a';\nINSERT INTO t VALUES ((SELECT 1),'a');\n", "maR"),
        (MADE + "INSERT IGNORE INTO t VALUES (1,'a');\nREPLACE INTO t VALUES (1,'a');\n", "maa"),
        (MADE + "INSERT INTO nova.t VALUES (1,'a');\n", "ma"),
        # A lock that more than its own rows come under is held.
        (
            MADE + "LOCK TABLES `t` WRITE;\nINSERT INTO u VALUES (1);\nINSERT INTO t VALUES (1,'a');\nUNLOCK TABLES;\n",
            "mmaaaa",
        ),
        (MADE + "LOCK TABLES `t` WRITE;\nUSE nova;\nINSERT INTO t VALUES (1,'a');\n", "mmaaa"),
        (
            MADE
            + "LOCK TABLES `t` READ;\nINSERT INTO t VALUES (1,'a');\nUNLOCK TABLES;\nINSERT INTO t VALUES (1,'');\n",
            "maaar",
        ),
        # Whatever changes a table without making it.
        (MADE + "ALTER TABLE t ADD UNIQUE (s);\nINSERT INTO t VALUES (1,'a');\n", "maa"),
        (MADE + "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1;\nINSERT INTO t VALUES (1,'a');\n", "maa"),
        ("CREATE TABLE u (a int) ENGINE=InnoDB SELECT 1;\nINSERT INTO u VALUES (1);\n", "aa"),
        # With foreign keys looked at, rows depend on those of other tables.
        ("SET FOREIGN_KEY_CHECKS=1;\n" + MADE + "INSERT INTO t VALUES (1,'a');\n", "ema"),
        ("SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS;\n" + MADE + "INSERT INTO t VALUES (1,'a');\n", "ema"),
        # What a session may have for itself.
        (MADE + "SET @a = (SELECT COUNT(*) FROM t);\nINSERT INTO t VALUES (1,'a');\n", "maa"),
        (MADE + "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;\nINSERT INTO t VALUES (1,'a');\n", "maa"),
        (MADE + "SET SQL_MODE=IFNULL(@OLD_SQL_MODE, '');\nINSERT INTO t VALUES (1,'a');\n", "mer"),
    ],
)
def test_what_waits_for_what(text, expected):
    assert ways(text) == expected


def test_a_transaction_ends_in_every_session_where_it_would_in_one():
    block = "LOCK TABLES `t` WRITE;\nset autocommit=0;\nINSERT INTO `t` VALUES (1,'a');\nUNLOCK TABLES;\ncommit;\n"
    text = HEAD + MADE + block + MADE.replace("`t`", "`u`")
    found = [each.statement for each in sent(text)][3:]
    assert found[0] == b"LOCK TABLES `t` WRITE; UNLOCK TABLES"
    assert found[1:3] == [b"set autocommit=0", b"INSERT INTO `t` VALUES (1,'a')"]
    assert found[3:6] == [COMMIT] * 3
    assert found[6].startswith(b"CREATE TABLE `u`")


def test_a_database_is_made_before_all_sessions_use_it():
    text = "CREATE DATABASE `nova` /*!40100 DEFAULT CHARACTER SET utf8 */;\n\nUSE `nova`;\n"
    assert [(each.way, each.statement.split()[0]) for each in sent(text)] == [
        (Way.ALONE, b"DROP"),
        (Way.ALONE, b"CREATE"),
        (Way.EVERY, b"USE"),
        (Way.EVERY, b"USE"),
    ]


def test_rows_too_many_for_several_at_a_time_go_in_alone():
    rows = ",".join(["(1,'" + "x" * 100000 + "')"] * 50)
    assert ways(f"{MADE}INSERT INTO `t` VALUES {rows};\nINSERT INTO t VALUES (2,'');\n") == "mar"
