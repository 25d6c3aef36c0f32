"""One small database as each program dumps it."""

HEAD = """-- MySQL dump 10.13  Distrib 5.6.13, for Linux (x86_64)
--
-- Host: localhost    Database: {database}
-- ------------------------------------------------------
-- Server version	5.6.13

"""
SET = """/*!40101 SET NAMES utf8 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
"""
SET_BACK = """/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;
"""
DONE = "\n-- Dump completed on 2013-11-20 10:11:12\n"
SCHEMA = """CREATE TABLE `alembic_version` (
  `version_num` varchar(32) NOT NULL
) ENGINE=InnoDB;
CREATE TABLE `networks` (
  `id` varchar(36) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
CREATE TABLE `ports` (
  `id` varchar(36) NOT NULL,
  `network_id` varchar(36) NOT NULL,
  `subnet_id` varchar(36) NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `a` FOREIGN KEY (`network_id`) REFERENCES `networks` (`id`),
  CONSTRAINT `b` FOREIGN KEY (`subnet_id`) REFERENCES `subnets` (`id`)
) ENGINE=InnoDB;
CREATE TABLE `subnets` (
  `id` varchar(36) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
"""
ROWS = """INSERT INTO `alembic_version` VALUES ('grizzly');
INSERT INTO `networks` VALUES ('n1');
INSERT INTO `ports` VALUES ('p1','n1','s1');
INSERT INTO `subnets` VALUES ('s1');
"""
KEYS_LAST = """ALTER TABLE `ports`
  ADD CONSTRAINT `a` FOREIGN KEY (`network_id`) REFERENCES `networks` (`id`),
  ADD CONSTRAINT `b` FOREIGN KEY (`subnet_id`) REFERENCES `subnets` (`id`);
"""


def header(database: str = "quantum") -> str:
    return HEAD.format(database=database)


def plain(database: str = "quantum", rows: str = ROWS) -> str:
    return header(database) + SET + SCHEMA + rows + SET_BACK + DONE


def qualified(text: str, name: str = "quantum") -> str:
    for words in ("CREATE TABLE ", "INSERT INTO ", "ALTER TABLE "):
        text = text.replace(f"{words}`", f"{words}`{name}`.`")
    return text


def without_keys(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "FOREIGN KEY" not in line).replace("(`id`),\n)", "(`id`)\n)")


KINDS = {
    "mysqldump": plain(),
    "workbench": f"CREATE DATABASE  IF NOT EXISTS `quantum` /*!40100 DEFAULT CHARACTER SET utf8 */;\nUSE `quantum`;\n{plain()}",
    "put-before": f"create database quantum; use quantum;\n{plain()}",
    "phpmyadmin": (
        '-- phpMyAdmin SQL Dump\n-- version 4.0.4\n--\n-- Database: `quantum`\n--\n\nSET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";\n'
        'START TRANSACTION;\nSET time_zone = "+00:00";\n/*!40101 SET NAMES utf8 */;\n'
        f"{without_keys(SCHEMA)}\n{ROWS}{KEYS_LAST}COMMIT;\n"
    ),
    "heidisql": (
        "-- Host:                         127.0.0.1\n-- Server version:               5.6.13\n"
        f"-- HeidiSQL Version:             11.3.0.6295\n{SET}CREATE DATABASE IF NOT EXISTS `quantum` /*!40100 DEFAULT CHARACTER "
        f"SET utf8 */;\nUSE `quantum`;\n{SCHEMA.replace('CREATE TABLE', 'CREATE TABLE IF NOT EXISTS')}{ROWS}"
        "/*!40103 SET TIME_ZONE=IFNULL(@OLD_TIME_ZONE, 'system') */;\n"
        "/*!40014 SET FOREIGN_KEY_CHECKS=IFNULL(@OLD_FOREIGN_KEY_CHECKS, 1) */;\n"
        "/*!40111 SET SQL_NOTES=IFNULL(@OLD_SQL_NOTES, 1) */;\n"
    ),
    "sqlyog": (
        "/*\nSQLyog Enterprise v12.09 (64 bit)\nMySQL - 5.6.13 : Database - quantum\n*****\n*/\n\n/*!40101 SET NAMES utf8 */;\n\n"
        f"/*!40101 SET SQL_MODE=''*/;\n\n{SET}CREATE DATABASE /*!32312 IF NOT EXISTS*/`quantum` /*!40100 DEFAULT CHARACTER SET utf8 "
        f"*/;\n\nUSE `quantum`;\n\n/*Table structure for table `networks` */\n\n{SCHEMA}\n/*Data for the table `networks` */\n\n"
        + ROWS.replace("INSERT INTO `alembic_version` VALUES", "insert  into `alembic_version`(`version_num`) values")
        + SET_BACK
    ),
    "mysqlpump": qualified(
        "-- Dump created by MySQL pump utility, version: 5.7.29, Linux (x86_64)\n-- Dump start time: Wed Nov 20 10:11:00 2019\n"
        "SET GLOBAL INNODB_STATS_AUTO_RECALC=OFF;\nSET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0;\n"
        "SET @@SESSION.SQL_LOG_BIN= 0;\nSET NAMES utf8;\n"
        f"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `quantum` /*!40100 DEFAULT CHARACTER SET utf8 */;\n{SCHEMA}{ROWS}"
        "SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS;\n-- Dump end time: Wed Nov 20 10:11:01 2019\n"
    ),
    "schema-then-rows": header() + SET + SCHEMA + SET_BACK + DONE + header() + SET + ROWS + SET_BACK + DONE,
    "insert-ignore": plain(rows=ROWS.replace("INSERT INTO", "INSERT  IGNORE INTO")),
    "replace": plain(rows=ROWS.replace("INSERT INTO", "REPLACE INTO")),
    "complete-insert": plain(rows=ROWS.replace("`alembic_version` VALUES", "`alembic_version` (`version_num`) VALUES")),
    "skip-comments": SET + SCHEMA + ROWS + SET_BACK,
    "compact": without_keys(SCHEMA) + ROWS,
    "windows": plain().replace("\n", "\r\n"),
    "byte-order-mark": "\ufeff" + plain(),
    "warning-on-top": "mysqldump: [Warning] Using a password on the command line interface can be insecure.\n" + plain(),
    "kubectl-on-top": 'Defaulted container "mariadb" out of: mariadb, init (init)\n' + plain(),
    "ssh-below": plain() + "Connection to db1 closed.\n",
    "sandbox": "/*M!999999\\- enable the sandbox mode */ \n" + plain(),
    "sandbox-without-comments": "/*M!999999\\- enable the sandbox mode */ \n" + SET + SCHEMA + ROWS + SET_BACK,
    "replication": header() + SET + "STOP SLAVE;\nCHANGE MASTER TO MASTER_LOG_FILE='b', MASTER_LOG_POS=3;\n"
    "CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='b';\nSET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a:1-5,\nb:1';\n"
    + SCHEMA + ROWS + SET_BACK + "SET GLOBAL gtid_slave_pos='0-1-214';\nstart replica;\n" + DONE,
    "ansi": plain().replace("`", '"').replace("/*!40101 SET NAMES utf8 */;", "/*!40101 SET NAMES utf8, SQL_MODE=ANSI_QUOTES */;"),
    "adminer": "-- Adminer 4.8.1 MySQL 5.6.24 dump\n\nSET NAMES utf8;\nSET foreign_key_checks = 0;\n\nDELIMITER ;;\n\n"
    "DROP FUNCTION IF EXISTS `ff`;;\nCREATE FUNCTION `ff`() RETURNS int RETURN 1;;\n\nDELIMITER ;\n\n"
    f"{SCHEMA}TRUNCATE `networks`;\n{ROWS}\n-- 2013-07-25 01:04:00\n",
    "navicat": "/*\n Navicat Premium Data Transfer\n\n Source Server Version : 50624\n*/\n\nSET NAMES utf8mb4;\n"
    "SET FOREIGN_KEY_CHECKS = 0;\n\n" + SCHEMA.replace(") ENGINE=InnoDB;", ")  ENGINE = InnoDB CHARACTER SET = utf8;")
    + f"BEGIN;\n{ROWS}COMMIT;\n\nSET FOREIGN_KEY_CHECKS = 1;\n",
    "dbeaver": "SET FOREIGN_KEY_CHECKS=0;\n" + qualified(SCHEMA + ROWS).replace("REFERENCES `", "REFERENCES quantum.`")
    .replace("`quantum`.", "quantum."),
    "server-wide": header() + SET + "SET GLOBAL max_allowed_packet=1073741824;\nSET @@GLOBAL.innodb_file_format='Barracuda';\n"
    "SET GLOBAL wsrep_OSU_method='RSU';\nSET SESSION wsrep_on=OFF;\nFLUSH TABLES WITH READ LOCK;\nUNLOCK TABLES;\n"
    "FLUSH LOGS;\nSET PASSWORD FOR 'a'@'b' = PASSWORD('x');\n" + SCHEMA + ROWS + SET_BACK + DONE,
    "directories": plain().replace(") ENGINE=InnoDB;", ") ENGINE=InnoDB DATA DIRECTORY='/srv/it''s/';"),
    "no-autocommit": plain(rows=f"set autocommit=0;\n{ROWS}commit;\n"),
}  # fmt: skip


def table_by_table() -> dict[str, str]:
    """The database as a dump for each table."""
    tables = {text.split("`")[1]: f"CREATE TABLE {text}" for text in SCHEMA.split("CREATE TABLE ")[1:]}
    rows = {line.split("`")[1]: f"{line}\n" for line in ROWS.splitlines()}
    return {name: header() + SET + made + rows[name] + SET_BACK + DONE for name, made in tables.items()}
