"""What is sent to the server of a dump: each line at its number, and nothing that the account may not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osupgrade.dump.reword import Rewording
from osupgrade.dump.statements import statements


def sent(text: str, *, keep: bool = True, **names: str) -> str:
    reword = Rewording(
        names, keep=keep, known={*names, "other"}, collations={"utf8mb4_0900_ai_ci": "utf8mb4_unicode_ci"}
    )
    return b"".join(reword(statements([text.encode()]))).decode()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("USE `quantum`;\nSELECT 1;\n", "USE `neutron`;\nSELECT 1;\n"),
        ("use quantum ;select 1;\n", "USE `neutron`; select 1;\n"),
        ("USE `other`;\nSELECT 1;\nINSERT INTO a VALUES (1);\n", "\n\n\n"),
        ("USE `other`;\nSET NAMES utf8;\nSET GLOBAL x = 1;\n", "\nSET NAMES utf8;\n\n"),
        ("drop database quantum;\n", "\n"),
        ("DELIMITER //\ndrop\nschema if exists quantum //\nDELIMITER ;\n", "DELIMITER //\n\n\nDELIMITER ;\n"),
        ("/*!40000 DROP DATABASE IF EXISTS `quantum`*/;\n", "\n"),
        (
            "INSERT INTO `quantum`.`a` VALUES ('`quantum`.`b`');\n",
            "INSERT INTO `neutron`.`a` VALUES ('`quantum`.`b`');\n",
        ),
        ("INSERT INTO `other`.`a` VALUES (1);\n", "\n"),
        ("INSERT  DELAYED IGNORE INTO `a` VALUES ('DELAYED ');\n", "INSERT IGNORE INTO `a` VALUES ('DELAYED ');\n"),
        ("replace delayed into `quantum`.`a` VALUES (1);\n", "replace into `neutron`.`a` VALUES (1);\n"),
        ("INSERT INTO mysql.user VALUES (1);\n", "INSERT INTO mysql.user VALUES (1);\n"),
        (
            "CREATE TABLE `quantum`.`a` (\n  b int REFERENCES `quantum`.`c` (`d`) COMMENT '`quantum`.'\n);\n",
            "CREATE TABLE `neutron`.`a` (\n  b int REFERENCES `neutron`.`c` (`d`) COMMENT '`quantum`.'\n);\n",
        ),
        (
            "LOCK TABLES `quantum`.`a` WRITE, `quantum`.`b` READ;\n",
            "LOCK TABLES `neutron`.`a` WRITE, `neutron`.`b` READ;\n",
        ),
        ("ALTER DATABASE `quantum` CHARACTER SET utf8;\n", "ALTER DATABASE `neutron` CHARACTER SET utf8;\n"),
        (
            "CREATE TABLE a (b int) COLLATE=utf8mb4_0900_ai_ci;\n",
            "CREATE TABLE a (b int) COLLATE=utf8mb4_unicode_ci;\n",
        ),
        ("INSERT INTO a VALUES ('utf8mb4_0900_ai_ci');\n", "INSERT INTO a VALUES ('utf8mb4_0900_ai_ci');\n"),
        ("/*!50017 CREATE DEFINER=`a`@`%` TRIGGER t */;\n", "/*!50017 CREATE DEFINER=CURRENT_USER TRIGGER t */;\n"),
        ("GRANT ALL ON a.* TO b;\nSTOP SLAVE;\nCHANGE MASTER TO\nX=1;\n", "\n\n\n\n"),
        ("kubectl: hello\nSELECT 1;\n", "\nSELECT 1;\n"),
        ("/*M!999999\\- enable the sandbox mode */ \nSELECT 1;\n", "\nSELECT 1;\n"),
    ],
)
def test_statements_are_sent_as_the_account_can_run_them(text, says):
    assert sent(text, quantum="neutron") == says


def test_a_database_is_made_anew_once():
    text = "CREATE DATABASE  IF NOT EXISTS `quantum` /*!40100 DEFAULT CHARACTER SET latin1 */; USE quantum;\n" * 2
    made = "DROP DATABASE IF EXISTS `neutron`; CREATE DATABASE `neutron` /*!40100 DEFAULT CHARACTER SET latin1 */; USE `neutron`; "
    assert " ".join(sent(text, quantum="neutron").split()) == f"{made}USE `neutron`; USE `neutron`;"


BITS = st.sampled_from(
    ["USE `a`;", "use b;", "INSERT INTO x VALUES (1);", "\n", "\n", "DROP DATABASE a;", "CREATE DATABASE a;", "SET x = 1;",
     "CREATE TABLE a.x (y int);", "-- note\n", "/* note\n */", "DELIMITER ;;\n", ";;", "'", "GRANT x;", "kubectl: x\n"]
)  # fmt: skip


@pytest.mark.exhaustive
@settings(max_examples=300)
@given(bits=st.lists(BITS, max_size=25))
def test_every_line_keeps_its_number(bits):
    text = "".join(bits)
    reworded = sent(text, a="neutron")
    assert reworded.count("\n") == text.count("\n")
