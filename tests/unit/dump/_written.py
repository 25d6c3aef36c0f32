"""Dumps as mysqldump writes them, for the tests of this directory."""

from pathlib import Path

from osupgrade.dump.read import Dump, read_dump

HEAD = """-- MySQL dump 10.13  Distrib 5.5.31, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: {database}
-- ------------------------------------------------------
-- Server version	5.5.31-0ubuntu0.13.04.1

/*!40101 SET NAMES utf8 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
"""


TAIL = """/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2013-05-10 16:01:45
"""


TABLES = {
    "quantum": ("networks", "ports", "subnets"),
    "nova": ("compute_nodes", "instances", "networks", "volumes", "snapshots"),
    "cinder": ("snapshots", "volumes"),
    "mysql": ("columns_priv", "db", "tables_priv", "user"),
    "wiki": ("page",),
}


def body(database: str, *, versions: str = "") -> str:
    tables = "".join(
        f"DROP TABLE IF EXISTS `{t}`;\nCREATE TABLE `{t}` (\n  `id` int(11),\n  FOREIGN KEY (`id`) REFERENCES `z` (`id`)\n"
        f") ENGINE=InnoDB;\nINSERT INTO `{t}` VALUES (1);\n"
        for t in TABLES[database]
    )
    return tables + versions


def single(database: str = "quantum", **more: str) -> str:
    return HEAD.format(database=database) + body(database, **more) + TAIL


def several(*databases: str) -> str:
    parts = (
        f"--\n-- Current Database: `{name}`\n--\n\n"
        f"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `{name}` /*!40100 DEFAULT CHARACTER SET latin1 */;\n\n"
        f"USE `{name}`;\n{body(name)}"
        for name in databases
    )
    return HEAD.format(database="") + "".join(parts) + TAIL


def read(tmp_path: Path, text: str | bytes, name: str = "a.sql") -> Dump:
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_dump(file)
