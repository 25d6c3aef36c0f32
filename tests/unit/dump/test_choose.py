"""Which dumps of those given are used, whatever program wrote them."""

from pathlib import Path

import pytest

from osupgrade.catalog.identity import service_of
from osupgrade.dump.choose import choose_dumps, read_dumps
from osupgrade.dump.holdings import holdings
from osupgrade.dump.read import Dump
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Severity

from ._dumps import DONE, KINDS, ROWS, SCHEMA, SET, SET_BACK, header, plain, table_by_table


def read(tmp_path: Path, text: str, name: str = "a.sql") -> Dump:
    (tmp_path / name).write_text(text, "utf-8", newline="")
    (dump,) = read_dumps([tmp_path / name])
    return dump


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_program_writes_is_one_whole_database(tmp_path, kind):
    (section,) = read(tmp_path, KINDS[kind]).sections
    assert service_of(section) == "neutron"
    assert section.tables == ("alembic_version", "networks", "ports", "subnets")
    assert section.versions == ("grizzly",)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("compact", "dbeaver", "ssh-below")])
def test_what_is_cut_before_its_last_rows_is_noticed(tmp_path, kind):
    text = KINDS[kind]
    end = text.rindex("('s1')")
    for cut in (end - 10, end):  # inside the statement, and before it
        begin = text.rindex("\n", 0, cut) + 1 if cut == end else cut
        with pytest.raises(UsageFault, match="truncated"):
            read(tmp_path, text[:begin])


def test_a_message_is_named_with_its_line_and_left_out(tmp_path):
    (finding,) = read(tmp_path, KINDS["kubectl-on-top"]).findings
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith('line 1 of a.sql is a message of kubectl, not SQL: Defaulted container "mariadb"')
    assert finding.cure is not None
    assert "without -t" in finding.cure.summary


@pytest.mark.parametrize(
    ("line", "who"),
    [
        ("mysqldump: Couldn't execute 'SHOW FUNCTION STATUS': You lack privileges (1227)", "mysqldump"),
        ("mariadb-dump: Got error: 1146: \"Table 'x.y' doesn't exist\" when using LOCK TABLES", "mariadb-dump"),
        ("command terminated with exit code 2", "kubectl"),
    ],
)
def test_an_error_of_the_dumper_is_refused_with_its_line(tmp_path, line, who):
    for text, number in ((f"{line}\n{plain()}", 1), (f"{plain()}{line}\n", len(plain().splitlines()) + 1)):
        with pytest.raises(UsageFault, match=f"line {number} of a.sql is an error of {who}"):
            read(tmp_path, text)


@pytest.mark.parametrize("line", ["+ exit 0", "++ date", "real\t0m3.211s", "sys     0m0.004s", "Exit code: 0"])
def test_what_the_shell_says_is_left_out(tmp_path, line):
    for text, number in ((f"{line}\n{plain()}", 1), (f"{plain()}{line}\n", len(plain().splitlines()) + 1)):
        (finding,) = read(tmp_path, text).findings
        assert finding.message.startswith(f"line {number} of a.sql is a message of the shell, not SQL: {line.strip()}")


def test_a_line_in_a_trigger_is_no_statement(tmp_path):
    trigger = "DELIMITER ;;\nCREATE TRIGGER t BEFORE INSERT ON ports FOR EACH ROW BEGIN\nUSE other;\nCREATE TABLE x (id int);\nEND ;;\nDELIMITER ;\n"
    (section,) = read(tmp_path, header() + SET + SCHEMA + ROWS + trigger + SET_BACK + DONE).sections
    assert "x" not in section.tables


def test_tables_in_the_order_of_their_keys_need_no_switch(tmp_path):
    ordered = SCHEMA[SCHEMA.index("CREATE TABLE `subnets`") :] + SCHEMA[: SCHEMA.index("CREATE TABLE `subnets`")]
    read(tmp_path, ordered + ROWS)
    with pytest.raises(UsageFault, match="executable comments"):
        read(tmp_path, SCHEMA + ROWS)


def test_rows_alone_are_put_behind_the_schema_of_the_same_database(tmp_path):
    (tmp_path / "rows.sql").write_text(header() + SET + ROWS + SET_BACK + DONE)
    (tmp_path / "schema.sql").write_text(header() + SET + SCHEMA + SET_BACK + DONE)
    (dump,) = read_dumps([tmp_path])
    assert [part.path.name for part in dump.parts] == ["schema.sql", "rows.sql"]
    assert dump.sections[0].versions == ("grizzly",)
    assert dump.findings == ()
    with pytest.raises(UsageFault, match="rows but no tables"):
        read_dumps([tmp_path / "rows.sql"])


def test_of_several_nights_the_newest_whole_one_is_taken(tmp_path):
    for day, text in ((18, plain()), (19, plain()), (20, plain()[:-200])):
        (tmp_path / f"quantum-201311{day}.sql").write_text(text.replace("2013-11-20 10", f"2013-11-{day} 10"))
    (tmp_path / "glance-20131120.sql").touch()
    (tmp_path / "notes.sql").write_text("buy milk\n")
    chosen = choose_dumps([tmp_path])
    assert [dump.name for dump in chosen.dumps] == ["quantum-20131119.sql"]
    said = {finding.place: (finding.severity, finding.message) for finding in chosen.findings}
    assert said["quantum-20131118.sql"][0] is Severity.INFO
    assert "truncated" in said["quantum-20131120.sql"][1]
    assert "quantum-20131119.sql is restored" in said["quantum-20131120.sql"][1]
    assert said["glance-20131120.sql"] == (Severity.WARNING, "glance-20131120.sql is empty: left out")
    assert "not a dump" in said["notes.sql"][1]
    assert chosen.refused == ()


def test_a_cut_dump_that_nothing_replaces_is_refused(tmp_path):
    (tmp_path / "quantum.sql").write_text(plain())
    nova = SCHEMA.replace("networks", "instances").replace("subnets", "compute_nodes")
    (tmp_path / "nova.sql").write_text(header("nova") + SET + nova + SET_BACK)
    with pytest.raises(UsageFault, match=r"nova\.sql is truncated"):
        read_dumps([tmp_path])


def test_two_different_databases_of_a_service_are_left_for_the_operator_to_decide(tmp_path):
    for name in ("quantum", "ovs_quantum"):
        (tmp_path / f"{name}.sql").write_text(plain(name))
    assert len(choose_dumps([tmp_path]).dumps) == 2


def test_nights_in_directories_of_their_own(tmp_path):
    for day in (19, 20):
        (tmp_path / f"2013-11-{day}").mkdir()
        (tmp_path / f"2013-11-{day}" / "quantum.sql").write_text(plain().replace("2013-11-20 10", f"2013-11-{day} 10"))
    (dump,) = read_dumps([tmp_path])
    assert dump.path.parent.name == "2013-11-20"


def test_files_of_one_name_are_told_apart_by_their_directories(tmp_path):
    for day in ("18", "19", "20"):
        (tmp_path / f"2013-07-{day}").mkdir()
        text = plain().replace("2013-11-20", f"2013-07-{day}") if day < "20" else ""
        (tmp_path / f"2013-07-{day}" / "quantum.sql").write_text(text, "utf-8")
    said = [finding.message for finding in choose_dumps([tmp_path]).findings]
    assert any("2013-07-20/quantum.sql is empty" in message for message in said)
    older = "2013-07-18/quantum.sql is an older dump of neutron than 2013-07-19/quantum.sql: left out"
    assert older in said


def test_a_tab_directory_is_one_dump(tmp_path):
    for table in SCHEMA.split("CREATE TABLE ")[1:]:
        name = table.split("`")[1]
        (tmp_path / f"{name}.sql").write_text(f"{header()}CREATE TABLE {table}{DONE}")
    rows = {
        "alembic_version": "grizzly\n",
        "networks": "n1\n",
        "ports": "p1\tn1\ts1\n",
        "subnets": "a\\\\b\\\nc\td'\n\\N\n",
    }
    for name, text in rows.items():
        (tmp_path / f"{name}.txt").write_text(text)
    (dump,) = read_dumps([tmp_path])
    assert dump.sections[0].tables == ("alembic_version", "networks", "ports", "subnets")
    assert dump.sections[0].versions == ("grizzly",)


def test_a_tab_directory_with_none_of_the_services_tables_is_named_for_what_it_is(tmp_path):
    (tmp_path / "networks.sql").write_text("CREATE TABLE `networks` (`id` varchar(36) NOT NULL) ENGINE=InnoDB;\n")
    (tmp_path / "networks.txt").write_text("n1\n")
    with pytest.raises(UsageFault, match="no OpenStack database") as refused:
        holdings(read_dumps([tmp_path]))
    assert "mysqldump --tab" in refused.value.evidence


def test_a_copy_of_a_servers_files_is_named(tmp_path):
    (tmp_path / "ibdata1").write_bytes(bytes(100))
    with pytest.raises(UsageFault, match="copy of a server's data directory"):
        read_dumps([tmp_path])


def test_one_cut_dump_of_a_table_by_table_directory_is_not_left_out(tmp_path):
    for name, text in table_by_table().items():
        (tmp_path / f"{name}.sql").write_text(text[: -len(DONE)] if name == "ports" else text)
    with pytest.raises(UsageFault, match=r"ports.sql is truncated"):
        choose_dumps([tmp_path])


def test_rows_that_are_never_committed_are_lost(tmp_path):
    text = plain().replace(SET, f"{SET}SET autocommit=0;\n")
    with pytest.raises(UsageFault, match="switches autocommit off and does not commit"):
        read(tmp_path, text)
    for way in ("COMMIT;\n", "SET AUTOCOMMIT = 1;\n", "/*!40101 SET AUTOCOMMIT=@OLD_AUTOCOMMIT */;\n"):
        assert read(tmp_path, text.replace(SET_BACK, way + SET_BACK)).findings == ()


def test_what_is_left_out_is_counted_by_what_it_is_about(tmp_path):
    said = [finding.message for finding in read(tmp_path, KINDS["server-wide"]).findings]
    assert said == [
        "1 statement in a.sql about accounts and their rights is left out",
        "6 statements in a.sql about the whole server are left out",
    ]
