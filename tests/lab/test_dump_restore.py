"""Restoring dumps into a real server: what survives, what an honest dump may ask for, and what a hostile one gets."""

import gzip
import shutil
import time
import tracemalloc
from pathlib import Path

import pytest

from osupgrade.dump.choose import read_dumps
from osupgrade.dump.restore import Progress, restore
from osupgrade.dump.stream import Part, compression
from osupgrade.dump.write import write_dump
from osupgrade.lab.database import DatabaseServer, start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model.errors import Exit, Fault, UsageFault

HEAD = """-- MySQL dump 10.13  Distrib 5.6.24, for Linux (x86_64)
--
-- Host: localhost    Database: {database}
-- ------------------------------------------------------
-- Server version	5.6.24
/*!40101 SET NAMES utf8 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
"""
NETWORKS = """CREATE TABLE `networks` (`id` int PRIMARY KEY AUTO_INCREMENT, `name` varchar(64)) DEFAULT CHARSET=latin1;
CREATE TABLE `ports` (`id` int PRIMARY KEY, `subnet` int, CONSTRAINT `f` FOREIGN KEY (`subnet`) REFERENCES `subnets` (`id`));
CREATE TABLE `subnets` (`id` int PRIMARY KEY);
INSERT INTO `networks` VALUES (0,'München'),(1,'a\\\\n\\n`;\\'\\!');
"""
EXTRAS = """
/*!50003 CREATE*/ /*!50017 DEFINER=`gone`@`10.%`*/ /*!50003 TRIGGER `t` BEFORE INSERT ON `networks` FOR EACH ROW
SET NEW.name = UPPER(NEW.name) */;
DELIMITER ;;
CREATE DEFINER=`gone`@`%` FUNCTION `pick`() RETURNS int DETERMINISTIC BEGIN RETURN 1; END ;;
DELIMITER ;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`gone`@`%` SQL SECURITY DEFINER */
/*!50001 VIEW `named` AS select `networks`.`name` AS `name` from `networks` */;
"""
TAIL = "\n-- Dump completed on 2013-05-10 16:01:45\n"
MYDUMPER = Path(__file__).parent / "mydumper-0.10.1"
REAL = Path(__file__).resolve().parents[3] / "shared/real-dumps/quantum-grizzly-2013-05.sql"


@pytest.fixture(scope="module")
def server(client):
    image = ImageStore(client).ensure(["mysql56"], print)["mysql56"]
    with Lab(client) as lab, start_database(lab, image) as server:
        yield server


@pytest.fixture(autouse=True, params=[0, 1 << 60], ids=["several sessions", "one session"])
def _sessions(request, monkeypatch):
    monkeypatch.setattr("osupgrade.dump.restore.SEVERAL", request.param)


@pytest.fixture(autouse=True)
def _clean(request):
    yield
    if "server" in request.fixturenames:
        server: DatabaseServer = request.getfixturevalue("server")
        for name in server.databases():
            server.drop(name)


def put(tmp_path: Path, text: str, name: str = "a.sql") -> Path:
    file = tmp_path / name
    file.write_text(text)
    return file


def quantum(extra: str = "") -> str:
    return HEAD.format(database="quantum") + NETWORKS + extra + TAIL


def test_a_dump_comes_back_as_it_was(server, tmp_path):
    told: list[Progress] = []
    file = put(tmp_path, quantum(EXTRAS))
    restored = restore(server, read_dumps([file]), told.append)
    assert restored.databases == {"neutron": "neutron"}
    assert restored.sizes["neutron"] > 0
    assert server.rows("neutron", "SELECT * FROM networks ORDER BY id") == [(0, "München"), (1, "a\\n\n`;'!")]
    assert server.rows("neutron", "SELECT name FROM named WHERE name LIKE 'M%%'") == [("München",)]
    assert server.rows("neutron", "SELECT pick()") == [(1,)]
    server.execute("neutron", "INSERT INTO networks (name) VALUES ('x')")
    assert server.rows("neutron", "SELECT name FROM networks WHERE id = 2") == [("X",)]
    assert (told[-1].read, told[-1].total) == (file.stat().st_size,) * 2
    assert told[-1].sent == restored.sql_bytes
    assert server.rows(
        "", "SELECT DISTINCT definer FROM information_schema.triggers WHERE trigger_schema = 'neutron'"
    ) == [("lab@%",)]


def test_all_databases_restores_the_services_and_nothing_of_the_server(server, tmp_path):
    parts = {
        "cinder": "CREATE TABLE volumes (id int);\nCREATE TABLE snapshots (id int);\n",
        "mysql": "CREATE TABLE `user` (Host char(60));\nINSERT INTO `user` VALUES ('%');\n",
        "ovs_quantum": NETWORKS,
        "wiki": "CREATE TABLE page (id int);\n",
    }
    text = HEAD.format(database="") + (
        "SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;\nSET @@SESSION.SQL_LOG_BIN= 0;\n"
        "SET @@GLOBAL.GTID_PURGED='0a1b2c3d-0000-1111-2222-333344445555:1-5,\n1a1b2c3d-0000-1111-2222-333344445555:1';\n"
        "CHANGE MASTER TO MASTER_LOG_FILE='bin.1', MASTER_LOG_POS=4;\n"
    )
    for name, body in parts.items():
        text += f"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `{name}` /*!40100 DEFAULT CHARACTER SET latin1 */;\n\n"
        text += f"USE `{name}`;\n{body}"
    before = server.rows("", "SELECT user, host FROM mysql.user ORDER BY 1, 2")
    restored = restore(server, read_dumps([put(tmp_path, text + TAIL)]), into={"cinder": "cinder_2"})
    assert restored.databases == {"cinder": "cinder_2", "neutron": "neutron"}
    assert set(server.databases()) == {"cinder_2", "neutron"}
    assert server.rows("neutron", "SELECT @@character_set_database, COUNT(*) FROM networks") == [("latin1", 2)]
    assert server.rows("", "SELECT user, host FROM mysql.user ORDER BY 1, 2") == before
    left_out = " ".join(finding.message for finding in restored.findings)
    assert "mysql was not restored" in left_out
    assert "wiki was not restored" in left_out


def test_what_the_labs_own_server_dumps_with_all_databases(server, tmp_path):
    """Real output of mysqldump, with system tables, accounts, a trigger and a view of a user who is not there."""
    restore(server, read_dumps([put(tmp_path, quantum(EXTRAS))]), into={"neutron": "ovs_quantum"})
    server.execute("", "CREATE DATABASE cinder")
    for table in ("volumes", "snapshots"):
        server.execute("cinder", f"CREATE TABLE {table} (id int, name varchar(20)) DEFAULT CHARSET=utf8")
    server.execute("cinder", "INSERT INTO volumes VALUES (1, 'Größe')")
    run = server.shell("$DUMP --all-databases --events --flush-privileges")
    assert run.ok
    (text := tmp_path / "all.sql").write_text(
        run.output.replace("`lab`@`%`", "`gone`@`10.0.0.%`")
        + "GRANT ALL ON `nova`.* TO 'gone'@'%' IDENTIFIED BY 'x';\n"
    )
    assert "`gone`@`10.0.0.%`" in text.read_text()
    accounts = server.rows("", "SELECT user, host FROM mysql.user ORDER BY 1, 2")
    for name in server.databases():
        server.drop(name)
    dumps = read_dumps([text])
    assert "mysql" in {section.name for section in dumps[0].sections}
    restored = restore(server, dumps)
    assert restored.databases == {"cinder": "cinder", "neutron": "neutron"}
    assert server.rows("cinder", "SELECT name FROM volumes") == [("Größe",)]
    assert server.rows("neutron", "SELECT name FROM named WHERE name LIKE 'M%%'") == [("München",)]
    server.execute("neutron", "INSERT INTO networks (name) VALUES ('x')")
    assert server.rows("neutron", "SELECT name FROM networks ORDER BY id DESC LIMIT 1") == [("X",)]
    assert server.rows("", "SELECT user, host FROM mysql.user ORDER BY 1, 2") == accounts
    assert any("about accounts" in finding.message for finding in restored.findings)


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
def test_what_is_written_compressed_comes_back(server, tmp_path, suffix):
    restore(server, read_dumps([put(tmp_path, quantum())]))
    written = write_dump(server, ["neutron"], tmp_path / f"out.sql{suffix}")
    assert compression(Part(written.path))
    server.drop("neutron")
    restore(server, read_dumps([written.path]))
    assert server.rows("neutron", "SELECT * FROM networks ORDER BY id") == [(0, "München"), (1, "a\\n\n`;'!")]


def test_dumps_of_different_servers_and_character_sets_in_one_run(server, tmp_path):
    latin = quantum().replace("5.6.24", "5.1.73").replace("SET NAMES utf8", "SET NAMES latin1")
    (tmp_path / "old.sql").write_bytes(latin.encode("latin1"))
    cinder = "CREATE TABLE volumes (name varchar(20)) DEFAULT CHARSET=utf8mb4;\nCREATE TABLE snapshots (id int);\n"
    modern = HEAD.format(database="cinder").replace("SET NAMES utf8", "SET NAMES utf8mb4")
    put(tmp_path, f"{modern}{cinder}INSERT INTO volumes VALUES ('Größe 😀');\n{TAIL}", "new.sql")
    restore(server, read_dumps([tmp_path]))
    assert server.rows("neutron", "SELECT name FROM networks WHERE id = 0") == [("München",)]
    assert server.rows("cinder", "SELECT name FROM volumes") == [("Größe 😀",)]


@pytest.mark.parametrize("packed", [False, True])
def test_a_mydumper_directory_comes_back_with_its_triggers_views_and_functions(server, tmp_path, packed):
    # Written by Debian's mydumper 0.10.1-1+deb12u2 (-G -R -E) from tables made for it in the lab's MySQL 5.6.24.
    directory = shutil.copytree(MYDUMPER, tmp_path / "dump")
    if packed:
        for file in directory.glob("*.sql"):
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()
        (directory / "mysql-schema-create.sql").write_text("CREATE DATABASE `mysql`;\n")
        (directory / "mysql.user.sql").write_text('INSERT INTO `user` VALUES\n("%","harm");\n')
    accounts = server.rows("", "SELECT user, host FROM mysql.user ORDER BY 1, 2")
    restored = restore(server, read_dumps([directory]))
    assert restored.databases == {"neutron": "neutron"}
    names = server.rows("neutron", "SELECT name FROM networks ORDER BY id")
    assert names == [("München",), ("quote' and \\ and \n line",)]
    assert server.rows("neutron", "SELECT cidr FROM subnets") == [("10.99.0.0/20",)]
    assert server.rows("neutron", "SELECT COUNT(*) FROM counted") == [(0,)]
    server.execute("neutron", "INSERT INTO networks VALUES ('x', NULL, 'third')")
    assert server.rows("neutron", "SELECT n, what FROM counted") == [(1, "München")]
    assert server.rows("neutron", "SELECT COUNT(*), pick() FROM named") == [(3, 1)]
    assert server.rows("", "SELECT user, host FROM mysql.user ORDER BY 1, 2") == accounts


HOSTILE = {
    r"\! touch /tmp/harm": "Unknown command",
    "system touch /tmp/harm": "is not SQL",
    "tee /tmp/harm": "is not SQL",
    "source /etc/passwd": "is not SQL",
    r"select 1 \. /etc/passwd": "Unknown command",
    "SELECT * FROM networks INTO OUTFILE '/tmp/harm';": "1045",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE networks;": "1045",
    "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE networks;": "1148",
    "SET @a = 1, GLOBAL max_connections = 1;": "1227",
    "SELECT 1; SET @a = 'GRANT ALL ON *.* TO lab'; PREPARE a FROM @a; EXECUTE a;": "1045",
    "SELECT 1; SET @a = 'CREATE USER harm'; PREPARE a FROM @a; EXECUTE a;": "1227",
    "INSERT INTO mysql.user (Host, User) VALUES ('%', 'harm');": "1142",
    "SELECT 1; /*!50000 USE mysql */;": "1044",
    "SELECT 1; SET @a = 'CREATE DATABASE harm'; PREPARE a FROM @a; EXECUTE a;": "1044",
    "INSTALL PLUGIN harm SONAME 'harm.so';": "1142",
    "KILL 1;": "1094|1095",
    "SHUTDOWN;": "1064|1227",
}


@pytest.mark.parametrize("statement", HOSTILE)
def test_a_hostile_dump_achieves_nothing(server, tmp_path, statement):
    accounts = server.rows("", "SELECT user, host, super_priv FROM mysql.user ORDER BY 1, 2")
    with pytest.raises(UsageFault, match=HOSTILE[statement]) as caught:
        restore(server, read_dumps([put(tmp_path, quantum(f"{statement}\n;\n"))]))
    assert caught.value.status is Exit.USAGE
    assert "line 1" in caught.value.message
    assert server.databases() == ()
    assert server.rows("", "SELECT user, host, super_priv FROM mysql.user ORDER BY 1, 2") == accounts
    assert server.rows("", "SELECT @@max_connections") == [(500,)]
    assert not server.shell("test -e /tmp/harm || test -e /var/lib/mysql/harm").ok


def test_a_password_that_a_dump_sets_is_set_back(server, tmp_path):
    hidden = "SET @a = 'SET PASSWORD = PASSWORD(\\'harm\\')'; PREPARE a FROM @a; EXECUTE a;\n"
    restore(server, read_dumps([put(tmp_path, quantum(hidden))]))
    restore(server, read_dumps([put(tmp_path, quantum())]))
    assert server.databases() == ("neutron",)


def test_what_a_dump_says_about_the_whole_server_is_left_out(server, tmp_path):
    said = "SET GLOBAL max_connections = 1;\nFLUSH LOGS;\nSET PASSWORD = PASSWORD('harm');\n"
    restored = restore(server, read_dumps([put(tmp_path, quantum(said))]))
    assert server.rows("", "SELECT @@max_connections") == [(500,)]
    assert "2 statements in a.sql about the whole server are left out" in [f.message for f in restored.findings]


def test_stripped_comments_are_refused_and_insisting_shows_the_servers_own_error(server, tmp_path):
    stripped = "".join(line for line in quantum().splitlines(keepends=True) if not line.startswith("/*!"))
    stripped = stripped.replace("München", "Munich")
    with pytest.raises(UsageFault, match="executable comments"):
        read_dumps([put(tmp_path, stripped)])
    dumps = read_dumps([put(tmp_path, stripped)], insist=True)
    with pytest.raises(UsageFault, match="executable comments"):
        restore(server, dumps)
    with pytest.raises(UsageFault, match="line 7, error 1215: Cannot add foreign key constraint") as caught:
        restore(server, dumps, insist=True)
    assert "--compact" in caught.value.hint
    assert server.databases() == ()


def test_a_broken_second_dump_leaves_nothing_of_the_first(server, tmp_path):
    put(tmp_path, quantum())
    cinder = "CREATE TABLE volumes (id int);\nCREATE TABLE snapshots (id int) ENGINE=Nonsense CHARSET=klingon;\n"
    put(tmp_path, HEAD.format(database="cinder") + cinder + TAIL, "b.sql")
    with pytest.raises(UsageFault, match="1115: Unknown character set: 'klingon'"):
        restore(server, read_dumps([tmp_path]))
    assert server.databases() == ()


def test_a_container_that_dies_is_the_labs_fault(client, tmp_path):
    image = ImageStore(client).ensure(["mysql56"], print)["mysql56"]
    rows = "".join(f"INSERT INTO `networks` (name) VALUES ('{i}');\n" for i in range(200000))
    dumps = read_dumps([put(tmp_path, quantum(rows))])
    with Lab(client) as lab, start_database(lab, image) as server, pytest.raises(Fault) as caught:
        restore(server, dumps, lambda progress: server.container.kill() if progress.sent else None)
    assert caught.value.status is Exit.LAB_FAULT


@pytest.mark.parametrize("megabytes", [1, 3, 20])
def test_a_refused_dump_is_reported_at_once_whatever_its_size(server, tmp_path, monkeypatch, megabytes):
    monkeypatch.setattr("osupgrade.dump.restore.SEVERAL", 1 << 60)
    row = "INSERT INTO `subnets` VALUES ('%032d');\n"
    rows = [row % number for number in range(megabytes * 24_000)]
    dumps = read_dumps([put(tmp_path, quantum("SELECT a FROM nowhere;\n" + "".join(rows)))])
    for _ in range(3):
        started = time.monotonic()
        with pytest.raises(UsageFault, match=r"error 1146: .*nowhere"):
            restore(server, dumps)
        assert time.monotonic() - started < 4


def test_a_refused_row_of_many_is_shown_by_its_own_line(server, tmp_path):
    rows = [f"INSERT INTO `subnets` VALUES ('{number % 50}');\n" for number in range(52)]
    path = put(tmp_path, quantum("".join(rows)))
    line = path.read_text().splitlines().index(rows[0].strip()) + 51
    with pytest.raises(UsageFault, match=f"line {line}, error 1062: Duplicate entry '0'") as caught:
        restore(server, read_dumps([path]))
    assert f"line {line}: INSERT INTO `subnets` VALUES ('0');" in caught.value.evidence


def test_memory_stays_flat_whatever_the_size(server, tmp_path):
    row = "(NULL,'" + "x" * 60 + "')"
    insert = f"INSERT INTO `networks` VALUES {','.join([row] * 10000)};\n"
    dumps = read_dumps([put(tmp_path, quantum(insert * 60))])
    assert dumps[0].sql_bytes > 40e6
    tracemalloc.start()
    try:
        restore(server, dumps)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6
    assert server.rows("neutron", "SELECT COUNT(*) FROM networks") == [(600002,)]


@pytest.mark.skipif(not REAL.is_file(), reason=f"NOT RUN: the real dump is not at {REAL}")
def test_the_real_dump_of_2013(server):
    restore(server, read_dumps([REAL]))
    assert server.rows("neutron", "SELECT COUNT(*) FROM ports")[0][0] > 0
    charsets = "SELECT DISTINCT table_collation FROM information_schema.tables WHERE table_schema = 'neutron'"
    assert server.rows("", charsets) == [("latin1_swedish_ci",)]
