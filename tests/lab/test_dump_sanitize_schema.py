"""What definitions, comments and code hold of a site is gone from a sanitized dump, on every server."""

import base64
import re
from pathlib import Path

import pytest

from osupgrade.dump.choose import read_dumps
from osupgrade.dump.mask.names import Names
from osupgrade.dump.mask.values import Masker
from osupgrade.dump.mask.words import WORDS
from osupgrade.dump.policy import load_policy, upstream_names
from osupgrade.dump.restore import restore
from osupgrade.dump.sanitize import SanitizeReport, sanitize
from osupgrade.lab.database import DatabaseServer, start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore

KEY = b"0123456789abcdef0123456789abcdef"
NAMES = Names(Masker(KEY), upstream_names() | WORDS)
HEAD = """-- MySQL dump 10.13  Distrib 5.6.24, for Linux (x86_64)
/*!40101 SET NAMES utf8 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
"""
TAIL = "\n-- Dump completed on 2013-05-10 16:01:45\n"
NEUTRON = """
CREATE TABLE `networks` (`id` varchar(36) PRIMARY KEY, `name` varchar(255) DEFAULT 'zqcanary1' COMMENT 'zqcanary2');
CREATE TABLE `subnets` (`id` varchar(36) PRIMARY KEY, `name` varchar(255));
CREATE TABLE `ports` (`id` varchar(36) PRIMARY KEY, `name` varchar(255), `status` varchar(16) DEFAULT 'ACTIVE',
  `admin_state_up` tinyint(1) DEFAULT 1, `mtu` int DEFAULT 2117955512, `zqcanary3` varchar(90) DEFAULT 'zqcanary4',
  `own_number` bigint DEFAULT 41795551234, KEY `ix_zqcanary5` (`zqcanary3`), KEY `ix_ports_name` (`name`));
INSERT INTO `ports` VALUES ('p1', 'zqcanary6', 'ACTIVE', 1, 7, 'zqcanary7', 41795557777);
"""
PLANTED = """
CREATE TABLE `tbl_zqcanary10` (`id` int NOT NULL AUTO_INCREMENT, `zqcanary11` varchar(50) DEFAULT 'zqcanary12'
  COMMENT 'zqcanary13', `kind` enum('zqcanary14','ACTIVE','zqcanary15') DEFAULT 'zqcanary15',
  `flags` set('zqcanary16','zqcanary17') DEFAULT 'zqcanary16,zqcanary17', `born` date DEFAULT '1972-03-04',
  `seen` datetime DEFAULT '1972-03-04 05:06:07', `phone` bigint DEFAULT 41795551234, `card` decimal(20,4),
  `ratio` double, `at` time DEFAULT '11:22:33', `since` year DEFAULT '1972', `bits` bit(16), `tiny` tinyint DEFAULT 100,
  `raw` varbinary(40), PRIMARY KEY (`id`) COMMENT 'zqcanary18', UNIQUE KEY `uq_zqcanary19` (`zqcanary11`),
  KEY `zqcanary20` (`kind`) COMMENT 'zqcanary21') ENGINE=InnoDB DEFAULT CHARSET=utf8 COMMENT='zqcanary22 +41 79 555';
INSERT INTO `tbl_zqcanary10` VALUES (1, 'zqcanary23', 'zqcanary15', 'zqcanary17', '1972-03-04', '1972-03-04 05:06:07',
  41795551234, 4111111111111111.1234, 4.1795551234e20, '11:22:33', 1972, b'1010101010101010', 100, 'zqcanary24'),
  (2, NULL, 'ACTIVE', '', '0000-00-00', NULL, -41795551234, NULL, -0.5, '-838:59:59', 0, b'1', -128, NULL),
  (3, 'x', 'zqcanary14', 'zqcanary16,zqcanary17', '9999-12-31', '2013-00-00 00:00:00', 9223372036854775807, 0, 0, NULL,
   2155, NULL, 127, X'00ff80');
CREATE TABLE `own_child` (`parent` int, `name` varchar(64) NOT NULL, `num` bigint NOT NULL,
  PRIMARY KEY (`name`, `num`), CONSTRAINT `fk_zqcanary25` FOREIGN KEY (`parent`) REFERENCES `tbl_zqcanary10` (`id`));
INSERT INTO `own_child` VALUES (3, 'zqcanary26', 41795557777);
CREATE TABLE `own_part` (`id` int NOT NULL, `c` varchar(30) NOT NULL COMMENT 'zqcanary27') ENGINE=InnoDB
  PARTITION BY LIST COLUMNS(c) (PARTITION p_zqcanary28 VALUES IN ('zqcanary29') COMMENT = 'zqcanary30');
INSERT INTO `own_part` VALUES (1, 'zqcanary29');
CREATE TABLE `own_range` (`id` int NOT NULL PRIMARY KEY) PARTITION BY RANGE (id)
  (PARTITION zqcanary31 VALUES LESS THAN (41795551), PARTITION zqcanary32 VALUES LESS THAN MAXVALUE);
INSERT INTO `own_range` VALUES (5), (417955512);
CREATE TABLE `own_hash` (`id` int NOT NULL PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3;
CREATE TABLE `own_geo` (`id` int PRIMARY KEY, `place` point, `area` geometry);
INSERT INTO `own_geo` VALUES (1, NULL, NULL);
CREATE TABLE `own_geo2` (`place` point NOT NULL) ENGINE=MyISAM;
CREATE TABLE `odd zq``canary33's "x" {y}` (`a ``zqcanary34` int, `from` int, `system` int, `$x` int, `é` int);
CREATE TABLE `twin` (`a` int, `Zqcanary35` int); CREATE TABLE `Twin` (`A2` int);
CREATE TABLE `quotes` (`q` varchar(60) DEFAULT 'it''s \\\\ "zqcanary36" \\n `b`', `e` enum('o''zqcanary37','b\\\\zqcanary38'));
INSERT INTO `quotes` VALUES ('it''s', 'o''zqcanary37'), (DEFAULT, 'b\\\\zqcanary38');
CREATE VIEW `v_zqcanary40` AS SELECT 'zqcanary41' AS a;
CREATE VIEW `v_zqcanary42` AS SELECT id AS `zqcanary43 Jane Roe` FROM `tbl_zqcanary10`;
CREATE VIEW `v_zqcanary44` AS SELECT `zqcanary43 Jane Roe` AS "zqcanary45" FROM `v_zqcanary42`;
CREATE VIEW `v_zqcanary46` AS SELECT id FROM ports WHERE own_number = 41795551234;
CREATE TRIGGER `trg_zqcanary47` BEFORE INSERT ON `tbl_zqcanary10` FOR EACH ROW SET NEW.zqcanary11 = 'zqcanary48';
DELIMITER ;;
CREATE TRIGGER `trg_zqcanary49` BEFORE UPDATE ON `tbl_zqcanary10` FOR EACH ROW BEGIN /* zqcanary50 */ SET NEW.id=1; END;;
CREATE TRIGGER `trg_zqcanary51` BEFORE DELETE ON `tbl_zqcanary10` FOR EACH ROW zqcanary52: BEGIN
  DECLARE zqcanary53 INT; SET @zqcanary54 = 1; INSERT INTO own_child (name, num) SELECT OLD.zqcanary11, COUNT(*) FROM ports;
END zqcanary52;;
CREATE TRIGGER `trg_zqcanary55` AFTER DELETE ON `networks` FOR EACH ROW BEGIN
-- zqcanary56
SET @x = 1; END;;
CREATE FUNCTION `f_zqcanary57`() RETURNS INT NO SQL COMMENT 'zqcanary58' RETURN 1;;
CREATE PROCEDURE `p_zqcanary59`() COMMENT 'zqcanary60' SELECT 'zqcanary61';;
CREATE TRIGGER `trg_zqcanary62` AFTER INSERT ON `networks` FOR EACH ROW SET @x = f_zqcanary57();;
CREATE EVENT `e_zqcanary63` ON SCHEDULE EVERY 1 DAY COMMENT 'zqcanary64' DO DELETE FROM ports WHERE name = 'zqcanary65';;
DELIMITER ;
"""
MARIADB = """
CREATE TABLE `own_maria` (`id` int PRIMARY KEY, `name` varchar(64), `upper_zqcanary70` varchar(200)
  AS (concat(`name`, 'zqcanary71')) STORED, `j` longtext CHECK (json_valid(`j`)), `age` int CHECK (`age` < 41795551),
  `role` varchar(30) CHECK (`role` in ('zqcanary72','zqcanary73')), `made` varchar(64) DEFAULT (concat('zqcanary74', 1)),
  `small` int CHECK (`small` > 5),
  CONSTRAINT `chk_zqcanary75` CHECK (`name` <> 'zqcanary76')) COMMENT='zqcanary77';
INSERT INTO `own_maria` (`id`, `name`, `j`, `age`, `role`, `small`) VALUES
  (1, 'zqcanary78', '{"zqcanary79": 41795551234, "ok": true, "deep": ["zqcanary80", {"phone": 4111111111111111}]}', 3,
   'zqcanary72', 6);
CREATE SEQUENCE `seq_zqcanary81`;
CREATE TABLE `own_seq` (`id` bigint DEFAULT nextval(`seq_zqcanary81`), `v` int);
CREATE TABLE `own_versioned` (`zqcanary82` varchar(20)) WITH SYSTEM VERSIONING;
INSERT INTO `own_versioned` VALUES ('zqcanary83');
CREATE TABLE `own_inet` (`a` inet6, `b` int);
INSERT INTO `own_inet` VALUES ('2001:db8::1', 1);
"""
NUMBERS = (
    "41795551234",
    "41795557777",
    "4111111111111111",
    "2117955512",
    "417955512",
    "1972-03-04",
    "11:22:33",
    "5551234e",
)


pytestmark = pytest.mark.usefixtures("emptied")


@pytest.fixture(scope="module", params=["mysql56", "mariadb105", "mariadb1011", "mariadb118", "mysql97"])
def server(request, client):
    image = ImageStore(client).ensure([request.param], print)[request.param]
    with Lab(client) as lab, start_database(lab, image) as server:
        server.kind = request.param
        yield server


def run(server: DatabaseServer, tmp_path: Path, text: str, policy: Path | None = None) -> tuple[SanitizeReport, str]:
    source, out = tmp_path / "a.sql", tmp_path / "out.sql"
    source.write_text(text)
    report = sanitize(server, read_dumps([source]), out, KEY, load_policy(policy), lambda *_: None)
    return report, out.read_text("utf-8")


def planted(server: DatabaseServer) -> str:
    return HEAD + NEUTRON + PLANTED + (MARIADB if server.kind.startswith("mariadb") else "") + TAIL


def standing(text: str) -> set[str]:
    """The canaries in a text, plain in whatever case, escaped, in hex or in base64."""
    plain = re.sub(r"\\+u00([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text)
    decoded = b"\n".join(bytes.fromhex(m) for m in re.findall(r"\b(?:0x)?((?:[0-9a-fA-F]{2}){5,})\b", text))
    for run_ in re.findall(r"[A-Za-z0-9+/]{12,}", text):
        decoded += b"\n" + base64.b64decode(run_[: len(run_) - (len(run_) % 4 == 1)] + "===")
    whole = plain + decoded.decode("utf-8", "replace")
    return set(re.findall(r"zq`*canary\d*", whole, re.IGNORECASE)) | {n for n in NUMBERS if n in text}


def test_nothing_that_is_the_sites_own_is_left_in_any_place_of_a_schema(server, tmp_path):
    source = planted(server)
    wanted = set(re.findall(r"zq`*canary\d+", source))
    assert len(wanted) > 60
    assert standing(source) >= wanted
    report, text = run(server, tmp_path, source)
    assert standing(text) == set()
    assert "Jane" not in text
    left = " / ".join(report.left)
    for what in ("comment on zqcanary11", "comment of", "partitions of", "view v_zqcanary40", "trigger trg_zqcanary47"):
        assert what in left
    for what in ("f_zqcanary57", "p_zqcanary59", "trg_zqcanary62", "e_zqcanary63"):
        assert what in left
    assert "trg_zqcanary51" not in left
    assert "v_zqcanary42" not in left
    assert "v_zqcanary44" not in left
    assert report.names > 20


def test_what_is_masked_restores_and_works_again(server, tmp_path):
    run(server, tmp_path, planted(server))
    for name in server.databases():
        server.drop(name)
    restore(server, read_dumps([tmp_path / "out.sql"]))

    def rows(sql: str) -> list[tuple]:
        return server.rows("neutron", sql)

    table, child = NAMES.mask("tbl_zqcanary10"), NAMES.mask("own_child")
    kind, flags = NAMES.mask("kind"), NAMES.mask("flags")
    members = [row[0] for row in rows(f"SELECT `{kind}` FROM `{table}` ORDER BY id")]
    assert members[1] == "ACTIVE"
    assert len({*members}) == 3
    assert rows(f"SELECT `{kind}` + 0, `{flags}` + 0 FROM `{table}` ORDER BY id") == [(3, 2), (2, 0), (1, 3)]
    assert rows(f"SELECT COUNT(*) FROM `{child}` JOIN `{table}` t ON t.id = `{NAMES.mask('parent')}`") == [(1,)]
    assert rows("SELECT status, admin_state_up FROM ports") == [("ACTIVE", 1)]
    assert {row[0] for row in rows("SHOW TABLES")} >= {"networks", "ports", "subnets"}
    view = rows(f"SELECT * FROM `{NAMES.mask('v_zqcanary44')}` ORDER BY 1")
    assert view == [(1,), (2,), (3,)]
    server.execute("neutron", f"INSERT INTO `{table}` (id) VALUES (9)")
    server.execute("neutron", f"DELETE FROM `{table}` WHERE id = 9")
    assert rows(f"SELECT COUNT(*) FROM `{child}`") == [(2,)]
    parts = (
        "SELECT table_name, COUNT(*) FROM information_schema.partitions WHERE table_schema = 'neutron' "
        "AND partition_name IS NOT NULL GROUP BY table_name"
    )
    names = {NAMES.mask(name): number for name, number in (("own_part", 1), ("own_range", 2), ("own_hash", 3))}
    assert dict(rows(parts)) == names
    assert {NAMES.mask("twin"), NAMES.mask("Twin")} <= {row[0] for row in rows("SHOW TABLES")}
    assert {"from", "system"} <= {row[0] for row in rows("SELECT column_name FROM information_schema.columns")}
    if server.kind.startswith("mariadb"):
        maria = NAMES.mask("own_maria")
        assert rows(f"SELECT json_valid(`{NAMES.mask('j')}`) FROM `{maria}`") == [(1,)]
        assert rows(f"SELECT COUNT(*) FROM `{NAMES.mask('own_versioned')}`") == [(1,)]


@pytest.mark.parametrize(
    "name", ["--all-databases", "-A", "--help", "a`b'c\"d", "acme_zqcanary", "x y", "--result-file=/x"]
)
def test_a_database_of_any_name_is_masked_as_any_other(server, tmp_path, name):
    quoted = name.replace("`", "``")
    source = f"{HEAD}CREATE DATABASE `{quoted}` DEFAULT CHARACTER SET utf8;\nUSE `{quoted}`;\n{NEUTRON}{TAIL}"
    report, text = run(server, tmp_path, source)
    assert report.renamed == {name: "neutron"}
    assert re.findall(r"\nUSE `(.*)`;", text) == ["neutron"]
    assert standing(text) == set()
    assert name not in text
    assert "Grants" not in text
    assert "mysql`" not in text
