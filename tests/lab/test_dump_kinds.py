"""Dumps as people have them, hostile ones and such of other servers, restored into real servers."""

import gzip
import shutil

import pytest

from osupgrade.dump.choose import read_dumps
from osupgrade.dump.limits import VARIABLE
from osupgrade.dump.restore import restore
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model.errors import Exit, UsageFault

from ..unit.dump import _dumps as samples


def server_of(client, kind):
    image = ImageStore(client).ensure([kind], print)[kind]
    with Lab(client) as lab, start_database(lab, image) as server:
        yield server


@pytest.fixture(scope="module")
def mysql(client):
    yield from server_of(client, "mysql56")


@pytest.fixture(scope="module")
def mariadb(client):
    yield from server_of(client, "mariadb1011")


@pytest.fixture(autouse=True, params=[0, 1 << 60], ids=["several sessions", "one session"])
def _sessions(request, monkeypatch):
    monkeypatch.setattr("osupgrade.dump.restore.SEVERAL", request.param)


@pytest.fixture(autouse=True)
def _clean(request):
    yield
    for fixture in ("mysql", "mariadb"):
        if fixture in request.fixturenames:
            server = request.getfixturevalue(fixture)
            for name in server.databases():
                server.drop(name)


def put(tmp_path, text, name="a.sql"):
    (tmp_path / name).write_text(text, "utf-8", newline="")
    return tmp_path / name


def whole(server):
    """Whether the small database is there with its rows and keys."""
    rows = server.rows("neutron", "SELECT p.id, n.id, s.id FROM ports p, networks n, subnets s")
    return rows == [("p1", "n1", "s1")] and server.rows("neutron", "SELECT * FROM alembic_version") == [("grizzly",)]


@pytest.mark.parametrize("kind", samples.KINDS)
def test_what_each_program_writes_comes_back(mysql, tmp_path, kind):
    restored = restore(mysql, read_dumps([put(tmp_path, samples.KINDS[kind])]))
    assert restored.databases == {"neutron": "neutron"}
    assert mysql.databases() == ("neutron",)
    assert whole(mysql)
    keys = "SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'neutron'"
    assert mysql.rows("", keys) == [(0 if kind == "compact" else 2,)]


def test_a_tab_directory_comes_back(mysql, tmp_path):
    for table in samples.SCHEMA.split("CREATE TABLE ")[1:]:
        name = table.split("`")[1]
        put(tmp_path, f"{samples.header()}CREATE TABLE {table}{samples.DONE}", f"{name}.sql")
    rows = {
        "alembic_version": "grizzly\n",
        "networks": "n1\n",
        "ports": "p1\tn1\ts1\n",
        "subnets": "s1\na\\\\b\\\nc\\\td'\n",
    }
    for name, text in rows.items():
        put(tmp_path, text, f"{name}.txt")
    restore(mysql, read_dumps([tmp_path]))
    assert mysql.rows("neutron", "SELECT id FROM subnets ORDER BY id") == [("a\\b\nc\td'",), ("s1",)]


@pytest.mark.parametrize("packed", [False, True])
def test_a_dump_for_each_table_comes_back_as_one_database(mysql, tmp_path, packed):
    for name, text in samples.table_by_table().items():
        data = text.encode()
        (tmp_path / f"{name}.sql{'.gz' * packed}").write_bytes(gzip.compress(data) if packed else data)
    restored = restore(mysql, read_dumps([tmp_path]))
    assert restored.databases == {"neutron": "neutron"}
    assert restored.findings == ()
    assert whole(mysql)


def test_a_packed_tab_directory_comes_back(mysql, tmp_path):
    rows = {"alembic_version": "grizzly\n", "networks": "n1\n", "ports": "p1\tn1\ts1\n", "subnets": "s1\n"}
    for name, text in samples.table_by_table().items():
        schema = "\n".join(line for line in text.splitlines() if not line.startswith("INSERT"))
        (tmp_path / f"{name}.sql.gz").write_bytes(gzip.compress(schema.encode()))
        (tmp_path / f"{name}.txt.gz").write_bytes(gzip.compress(rows[name].encode()))
    restore(mysql, read_dumps([tmp_path]))
    assert whole(mysql)


def test_a_view_of_another_database_is_left_out_and_one_of_its_own_is_not(mysql, tmp_path):
    view = "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`a`@`10.%` SQL SECURITY DEFINER */\n/*!50001 VIEW "
    views = (
        f"{view}`far` AS select `b`.`id` AS `id` from (`networks` join `billing`.`costs` `b`) */;\n"
        f"{view}`near` AS select `quantum`.`networks`.`id` AS `id` from `quantum`.`networks` */;\n"
        f"{view}`year` AS select extract(year from `networks`.`id`) AS `y` from `networks` */;\n"
    )
    text = samples.plain().replace("\n-- Dump completed", f"\n{views}\n-- Dump completed")
    (finding,) = restore(mysql, read_dumps([put(tmp_path, text)])).findings
    assert "other databases are left out: far" in finding.message
    assert mysql.rows("neutron", "SELECT id FROM near") == [("n1",)]
    sql = "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'neutron' ORDER BY 1"
    assert mysql.rows("", sql) == [("near",), ("year",)]


def test_an_engine_that_the_server_lacks_is_named(mysql, tmp_path):
    text = samples.plain().replace(") ENGINE=InnoDB;", ") ENGINE=TokuDB;", 1)
    (finding,) = restore(mysql, read_dumps([put(tmp_path, text)])).findings
    assert "uses the engine tokudb, which" in finding.message


def test_of_a_database_and_its_copy_the_one_with_the_usual_name_is_restored(mysql, tmp_path):
    def one(name, network):
        made = samples.SCHEMA + samples.ROWS.replace("('n1')", f"('{network}')")
        return f"CREATE DATABASE `{name}`;\nUSE `{name}`;\n{made}"

    text = samples.SET + one("neutron_backup", "old") + one("neutron", "n1") + samples.SET_BACK
    restored = restore(mysql, read_dumps([put(tmp_path, text)]))
    assert whole(mysql)
    assert "neutron_backup was not restored: it is a second database of neutron" in restored.findings[0].message
    both = samples.SET + one("quantum", "old") + one("neutron", "n1") + samples.SET_BACK
    with pytest.raises(UsageFault, match=r"two databases belong to neutron: quantum .* and neutron "):
        restore(mysql, read_dumps([put(tmp_path, both)]))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("LOAD DATA LOCAL INFILE 'x.dat' INTO TABLE networks;", "rows from separate files"),
        ("SET TIME_ZONE='Mars/Phobos';", "no time zone of that name"),
    ],
)
def test_what_a_dump_cannot_get_here_is_explained(mysql, tmp_path, statement, says):
    text = samples.plain().replace("INSERT INTO `ports`", f"{statement}\nINSERT INTO `ports`")
    with pytest.raises(UsageFault, match=says):
        restore(mysql, read_dumps([put(tmp_path, text)]))


def test_schema_and_rows_in_two_files(mysql, tmp_path):
    put(tmp_path, samples.header() + samples.SET + samples.SCHEMA + samples.SET_BACK + samples.DONE, "schema.sql")
    put(tmp_path, samples.header() + samples.SET + samples.ROWS + samples.SET_BACK + samples.DONE, "rows.sql")
    restore(mysql, read_dumps([tmp_path]))
    assert whole(mysql)


def test_collations_of_another_server_become_the_nearest(mysql, mariadb, tmp_path):
    text = samples.plain().replace(
        ") ENGINE=InnoDB;", ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci;"
    )
    restored = restore(mariadb, read_dumps([put(tmp_path, text)]))
    assert whole(mariadb)
    assert "utf8mb4_0900_ai_ci, which" in " ".join(finding.message for finding in restored.findings)
    text = text.replace("utf8mb4_0900_ai_ci", "utf8mb4_uca1400_ai_ci").replace("varchar(36)", "varchar(64)")
    restore(mysql, read_dumps([put(tmp_path, text.replace("utf8mb4 COLLATE=utf8mb4", "utf8mb3 COLLATE=utf8mb3"))]))
    assert whole(mysql)


@pytest.mark.parametrize(
    ("said", "tables", "default"),
    [
        ("", ("utf8_unicode_ci", "utf8_unicode_ci"), "utf8_unicode_ci"),
        ("", ("utf8_unicode_ci", "utf8_bin"), "utf8_general_ci"),
        ("", ("latin1_swedish_ci", "latin1_swedish_ci"), "utf8_general_ci"),
        ("DEFAULT CHARACTER SET utf8", ("utf8_unicode_ci", "utf8_unicode_ci"), "utf8_general_ci"),
    ],
)
def test_a_default_that_nobody_says_is_that_of_the_tables(mysql, tmp_path, said, tables, default):
    text = samples.plain().replace(") ENGINE=InnoDB;", f") ENGINE=InnoDB COLLATE={tables[0]};", 1)
    text = text.replace(") ENGINE=InnoDB;", f") ENGINE=InnoDB COLLATE={tables[1]};")
    use = f"CREATE DATABASE quantum {said};\nUSE quantum;\n" if said else ""
    restore(mysql, read_dumps([put(tmp_path, use + text)]))
    assert mysql.defaults("neutron")[1] == default


def test_rows_as_text_in_another_form_than_that_of_tab_are_named(mysql, tmp_path):
    for table in samples.SCHEMA.split("CREATE TABLE ")[1:]:
        put(tmp_path, f"{samples.header()}CREATE TABLE {table}{samples.DONE}", f"{table.split('`')[1]}.sql")
    put(tmp_path, '"p1","n1","s1"\n', "ports.txt")
    with pytest.raises(
        UsageFault, match=r"line \d+ of ports.txt, error 1136.*not in the default format of mysqldump --tab"
    ):
        restore(mysql, read_dumps([tmp_path]))


@pytest.mark.parametrize("line", ["root@ctl:~# exit", " 512KiB 0:00:01 [ 510KiB/s] [ <=> ]"])
def test_a_line_that_is_no_sql_is_called_that(mysql, tmp_path, line):
    text = samples.plain().replace("INSERT INTO `ports`", f"{line}\nINSERT INTO `ports`")
    with pytest.raises(UsageFault, match=r"does not restore: line \d+ is not SQL: ") as refusal:
        restore(mysql, read_dumps([put(tmp_path, text)]))
    assert line.strip() in refusal.value.message


@pytest.mark.parametrize(
    "statement",
    [
        "PREPARE a FROM 'DROP DATABASE neutron'; EXECUTE a;",
        "/*!50000 DROP TABLE ports, subnets */;",
    ],
)
def test_a_dump_that_takes_away_what_it_made_is_refused(mysql, tmp_path, statement):
    dumps = read_dumps([put(tmp_path, samples.plain().replace("-- Dump completed", f"{statement}\n-- Dump completed"))])
    with pytest.raises(UsageFault, match=r"drops what it creates|No database selected"):
        restore(mysql, dumps)
    assert mysql.databases() == ()


@pytest.mark.parametrize(
    "statement",
    [
        "drop database neutron;",
        "DELIMITER //\nDROP\nDATABASE neutron //\nDELIMITER ;",
        "drop schema if exists quantum;",
    ],
)
def test_dropping_its_database_is_left_out(mysql, tmp_path, statement):
    restore(
        mysql,
        read_dumps([put(tmp_path, samples.plain().replace("-- Dump completed", f"{statement}\n-- Dump completed"))]),
    )
    assert whole(mysql)


@pytest.mark.parametrize(
    "name",
    [
        "MySQL",
        "INFORMATION_SCHEMA",
        "quantum ",
        "--all-databases",
        "-A",
        "neutron",
        "lab",
        "a`b",
        "it's",
        "seeded",
        "x" * 64,
    ],
)
def test_a_database_of_any_name_comes_back(mysql, tmp_path, name):
    text = f"CREATE DATABASE `{name.replace('`', '``')}`;\nUSE `{name.replace('`', '``')}`;\n{samples.plain()}"
    dumps = read_dumps([put(tmp_path, text)])
    restore(mysql, dumps)
    assert mysql.databases() == ("neutron",)
    assert whole(mysql)


ENDLESS = {
    "SELECT SLEEP(1000000);": "query=3",
    "DO BENCHMARK(1000000000000, SHA1('a'));": "query=3",
    "SELECT COUNT(*) FROM information_schema.COLUMNS a, information_schema.COLUMNS b, information_schema.COLUMNS c, "
    "information_schema.COLUMNS d;": "query=3",
    "INSERT INTO big SELECT a.a + b.a + c.a + d.a + e.a FROM big a, big b, big c, big d, big e, big f, big g;": "query=3",
    "CREATE TABLE more (a int, KEY (a)) SELECT a.a FROM big a, big b, big c, big d, big e;": "query=3",
    "INSERT INTO big VALUES (1), (SLEEP(1000000));": "query=3",
    "/*!50000 SELECT SLEEP(1000000) */;": "query=3",
    "CALL again();": "query=3",
    "INSERT INTO slow VALUES (1);": "statement=3",
    "INSERT INTO slow SELECT 1 UNION ALL SELECT 2;": "query=3",
}


@pytest.mark.parametrize("statement", ENDLESS)
def test_what_would_run_for_ever_is_ended_with_its_line(mysql, tmp_path, monkeypatch, statement):
    monkeypatch.setenv(VARIABLE, ENDLESS[statement])
    big = "CREATE TABLE big (a int);\nINSERT INTO big VALUES " + ",".join(f"({n})" for n in range(500)) + ";\n"
    slow = (
        "CREATE TABLE slow (a int);\nCREATE TRIGGER t BEFORE INSERT ON slow FOR EACH ROW SET NEW.a = SLEEP(1000000);\n"
    )
    slow += "DELIMITER ;;\nCREATE PROCEDURE again() BEGIN WHILE 1 DO SET @a = 1; END WHILE; END ;;\nDELIMITER ;\n"
    text = samples.plain().replace("-- Dump completed", f"{big}{slow}{statement}\n-- Dump completed")
    line = text[: text.index(statement)].count("\n") + 1
    dumps = read_dumps([put(tmp_path, text)])
    with pytest.raises(UsageFault, match=f"line {line}") as caught:
        restore(mysql, dumps)
    assert caught.value.status is Exit.USAGE
    assert VARIABLE in caught.value.hint
    assert mysql.databases() == ()


@pytest.mark.parametrize(
    "statement",
    [
        "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) FROM c;",
        "CREATE TABLE more AS WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c) SELECT n FROM c;",
        "INSERT INTO big WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c) SELECT n FROM c;",
        "INSERT INTO big SELECT seq FROM seq_1_to_100000000000;",
    ],
)
def test_what_only_servers_of_today_run_for_ever_is_ended_there(mariadb, tmp_path, monkeypatch, statement):
    monkeypatch.setenv(VARIABLE, "query=3")
    loose = "SET max_recursive_iterations = 4294967295;\n"
    big = f"{loose}CREATE TABLE big (a bigint);\n{statement}\n"
    dumps = read_dumps([put(tmp_path, samples.plain().replace("-- Dump completed", f"{big}-- Dump completed"))])
    with pytest.raises(UsageFault) as caught:
        restore(mariadb, dumps)
    assert VARIABLE in caught.value.hint
    assert mariadb.databases() == ()


def test_growth_beyond_reason_is_ended(mysql, tmp_path, monkeypatch):
    monkeypatch.setattr("osupgrade.dump.watchdog.ROOM", 50 << 20)
    monkeypatch.setattr("osupgrade.dump.watchdog.WEIGHED", 1)
    monkeypatch.setenv(VARIABLE, "query=600")
    twice = "INSERT INTO big SELECT * FROM big;\n" * 40
    big = f"CREATE TABLE big (a varchar(200));\nINSERT INTO big VALUES ('{'x' * 200}');\n{twice}"
    dumps = read_dumps([put(tmp_path, samples.plain().replace("-- Dump completed", f"{big}-- Dump completed"))])
    with pytest.raises(UsageFault, match="on the server from"):
        restore(mysql, dumps)
    assert mysql.databases() == ()


def test_a_mydumper_file_that_is_cut_is_named(mysql, tmp_path):
    directory = tmp_path / "dump"
    shutil.copytree(__file__.replace("test_dump_kinds.py", "mydumper-0.10.1"), directory)
    file = next(file for file in sorted(directory.iterdir()) if file.name.endswith("networks.sql"))
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(UsageFault, match=file.name):
        read_dumps([directory])
