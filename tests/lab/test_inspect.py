"""`osupgrade inspect` as a user runs it, on live servers and on dumps, with databases as the catalogue has them."""

import json
import re
import shlex

import pytest

from osupgrade.catalog.services import repository
from osupgrade.cli import app, run
from osupgrade.cli.lazy import whole
from osupgrade.dump.write import write_dump
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.lab.live_server import LiveServer
from osupgrade.model.errors import Exit, LabFault
from osupgrade.schema.catalogue import lineage, variants
from osupgrade.schema.diff import table_sql


@pytest.fixture
def inspect(capsys):
    """Runs the command; its exit status, what it printed and what it said on standard error."""

    def command(*arguments):
        status = run(["inspect", "--json", *map(str, arguments)])
        said = capsys.readouterr()
        assert "traceback" not in said.err.lower()
        return status, said.out, said.err

    return command


def fill(server, database, service, revision, claim, *more):
    server.create(database)
    with server.session(database) as session:
        session = session.execution_options(no_parameters=True)
        session.exec_driver_sql("SET foreign_key_checks = 0")
        for table in lineage(service).at(revision).schema.tables:
            session.exec_driver_sql(table_sql(table))
        session.exec_driver_sql(f"INSERT INTO migrate_version VALUES ('{repository(service)}', '/x', {claim})")
        for statement in more:
            session.exec_driver_sql(statement)


@pytest.fixture(scope="module", params=["mysql56", "mariadb105"])
def server(client, request):
    tag = ImageStore(client).ensure([request.param], print)[request.param]
    with Lab(client) as lab, start_database(lab, tag) as server:
        fill(server, "glance", "glance", "22", 22)
        fill(server, "cinder", "cinder", "9", 9, "ALTER TABLE volumes ADD COLUMN migration_status VARCHAR(9)")
        fill(server, "keystone", "keystone", "22", 25)
        fill(server, "old_glance", "glance", "22", 22)
        server.create("wiki")
        server.execute("wiki", "CREATE TABLE page (id INT)")
        for user, grants in {
            "reader": ["SELECT, TRIGGER, SHOW VIEW ON *.*"],
            "half": ["SELECT ON `gl%`.*", "INSERT ON cinder.*", "SELECT ON keystone.token"],
            "nobody": [],
        }.items():
            server.execute("", f"CREATE USER {user}@'%' IDENTIFIED BY 'secret'")
            for grant in grants:
                server.execute("", f"GRANT {grant} TO {user}@'%'")
        yield server


def url(server, user, rest=""):
    return f"mysql://{user}:secret@{server.admin.host}:{server.admin.port}/{rest}"


def messages(page):
    return [f"{finding['severity']}: {finding['message']}" for finding in page["findings"]]


def test_a_live_server_is_told_with_its_true_revisions(server, inspect):
    status, out, err = inspect("--url", url(server, "reader"))
    assert status == Exit.DID_NOT, err
    page = json.loads(out)
    found = {d["service"]: (d["database"], d["release"], d["revision"], d["claim"]) for d in page["databases"]}
    assert found == {
        "glance": ("glance", "grizzly", "22", ["22"]),
        "cinder": ("cinder", "grizzly", "9", ["9"]),
        "keystone": ("keystone", "grizzly", "22", ["25"]),
    }
    assert [(own["place"], own["fate"], own["revision"]) for own in page["own"]] == [
        ("volumes.migration_status", "in the way", "19")
    ]
    told = messages(page)
    assert "error: old_glance is a second database of glance, besides glance" in told
    assert "info: databases that belong to no OpenStack service were skipped: wiki" in told
    assert any(message.startswith("error: keystone is at schema version 25") for message in told)


@pytest.fixture
def said_of(server, inspect):
    """What is said of a Grizzly keystone with changes, the local changes left out."""

    def say(*changes):
        fill(server, "odd", "keystone", "22", 22, *changes)
        try:
            _, out, _ = inspect("--url", url(server, "reader", "odd"))
        finally:
            server.drop("odd")
        return [message for message in messages(json.loads(out)) if "upstream at" not in message]

    return say


def test_a_row_without_a_version_is_none_and_the_grants_tell_their_own_form(said_of):
    """Those in Grizzly's are in order, also where nothing but the tables says that this is Grizzly."""
    said = said_of(
        "UPDATE migrate_version SET version = NULL",
        "INSERT INTO role (id, name) VALUES ('r', 'member')",
        "INSERT INTO user_project_metadata VALUES ('u', 'p', '{\"roles\": [\"r\"]}')",
    )
    assert [message for message in said if "never stamped: migrate_version holds no version" in message]
    assert not [message for message in said if "no data, or data that keystone cannot read" in message]


def test_what_cannot_be_looked_at_because_a_column_is_gone_is_said_once(said_of):
    (lacking,) = [message for message in said_of("ALTER TABLE `user` DROP COLUMN extra") if "could not" in message]
    assert "these preflights could not look" in lacking and "keystone-user-extra" in lacking


def test_of_a_live_server_the_next_command_dumps_it_first(server, capsys):
    assert run(["inspect", "--url", url(server, "reader")]) == Exit.DID_NOT
    command = capsys.readouterr().out.splitlines()[-1].removeprefix("next  ")
    dump, _, rehearse = command.partition(" > cloud.sql && ")
    words = shlex.split(dump)
    assert words[0] == "mysqldump" and words[words.index("-u") + 1] == "reader" and "secret" not in dump
    assert {"glance", "keystone"} <= set(words[words.index("--databases") + 2 :])
    assert shlex.split(rehearse) == ["osupgrade", "rehearse", "cloud.sql"]


def test_what_an_account_may_not_see_is_named_and_the_rest_comes(server, inspect):
    status, out, err = inspect("--url", url(server, "half"))
    assert status == Exit.DID_NOT, err
    page = json.loads(out)
    assert [d["service"] for d in page["databases"]] == ["glance"]
    told = messages(page)
    assert "warning: the account lacks TRIGGER, SHOW VIEW on glance: part of it is not visible" in told
    assert any(
        message.startswith("error: the database cinder cannot be read: SELECT command denied") for message in told
    )
    assert any(message.startswith("warning: keystone has the name of keystone's database") for message in told)


@pytest.mark.parametrize(
    ("user", "rest", "says"),
    [
        ("nobody", "", "there is no database of an OpenStack service there; this account sees no database"),
        ("reader", "wiki", "there is no database of an OpenStack service there; it shows wiki"),
        ("reader", "nonesuch", "Unknown database 'nonesuch'"),
        ("stranger", "", "Access denied for user 'stranger'"),
    ],
)
def test_where_there_is_nothing_to_look_at_one_sentence_says_why(server, inspect, user, rest, says):
    status, out, err = inspect("--url", url(server, user, rest))
    assert (status, out) == (Exit.USAGE, "")
    assert says in err
    assert "next:" in err
    assert "secret" not in err


def test_a_live_server_is_never_written_to(server):
    with LiveServer(url(server, "reader").replace("reader:secret", f"root:{server.admin.password}")) as live:
        with pytest.raises(LabFault, match="only read"):
            live.execute("glance", "DELETE FROM images")
        connection = live.engine.raw_connection()
        with pytest.raises(Exception, match="READ ONLY"), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE glance.x (id INT)")
        connection.close()


def test_a_dump_of_the_schema_alone_and_a_broken_one(server, inspect, tmp_path):
    schema, broken = tmp_path / "schema.sql", tmp_path / "broken.sql"
    schema.write_text(server.shell("$DUMP --no-data glance").output)
    broken.write_text(schema.read_text()[:4000])
    status, out, err = inspect("--out", tmp_path / "out", schema, broken)
    assert status == Exit.DID_NOT, err
    page = json.loads(out)
    assert page == json.loads((tmp_path / "out" / "inspection.json").read_text())
    (database,) = page["databases"]
    assert (database["service"], database["revision"], database["honest"]) == ("glance", "22", True)
    first, *rest = messages(page)
    assert first.startswith("error: broken.sql is truncated:") and first.endswith(": left out")
    assert [message.partition(":")[0] for message in rest] == ["info"] * 3
    assert any("default character set" in message for message in rest)
    assert "info: glance contains no rows, so it is assumed to be stamped with 22" in rest


def test_a_later_release_is_offered_the_way_on_from_there(capsys, tmp_path):
    tables = ("endpoint", "local_user", "project", "role", "user")
    repositories = ("keystone", "keystone_contract", "keystone_data_migrate", "keystone_expand")
    rows = ", ".join(f"('{name}', '/x', {109 if name == 'keystone' else 44})" for name in repositories)
    dump = tmp_path / "keystone.sql"
    dump.write_text(
        "/*!40101 SET NAMES utf8 */;\n/*!40014 SET FOREIGN_KEY_CHECKS=0 */;\n"
        "CREATE TABLE migrate_version (repository_id VARCHAR(250) PRIMARY KEY, repository_path TEXT, version INT);\n"
        f"INSERT INTO migrate_version VALUES {rows};\n"
        + "".join(f"CREATE TABLE `{table}` (id VARCHAR(64) PRIMARY KEY);\n" for table in tables)
        + "-- Dump completed\n"
    )
    site = tmp_path / "site.toml"
    site.touch()
    assert run(["inspect", str(dump), "--site", str(site)]) == Exit.CAME_THROUGH
    said = capsys.readouterr().out
    ahead = f"--from queens --to rocky --site {shlex.quote(str(site))}"
    assert said.splitlines()[-1] == f"next  osupgrade rehearse {shlex.quote(str(dump))} {ahead}"
    assert re.search(r"keystone +queens +109, 44, 44, 44 ", said) and "try:" not in said and "icehouse" not in said


@pytest.mark.parametrize(("release", "following"), [("train", "ussuri"), ("zed", "antelope")])
def test_a_sound_cloud_where_no_named_path_begins_is_no_alarm(server, capsys, tmp_path, release, following):
    """Neither as a dump nor on a live server."""
    (line,) = (line for name in variants("glance") if (line := lineage("glance", name)).knows(release))
    server.create("sound")
    with server.session("sound") as session:
        session.exec_driver_sql("SET foreign_key_checks = 0")
        for table in line.head(release).schema.tables:
            session.exec_driver_sql(table_sql(table))
        session.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{line.head(release).name}')")
        session.exec_driver_sql(
            "INSERT INTO tasks (id, type, status, owner, deleted, created_at, updated_at) "
            "VALUES ('a', 'import', 'success', 'b', 0, NOW(), NOW())"
        )
    dump = tmp_path / "sound.sql"
    write_dump(server, ["sound"], dump)
    live = run(["inspect", "--url", url(server, "reader", "sound")]), capsys.readouterr().out
    server.drop("sound")
    dumped = run(["inspect", str(dump)]), capsys.readouterr().out
    for (status, said), name in ((live, "cloud.sql"), (dumped, shlex.quote(str(dump)))):
        assert status == Exit.CAME_THROUGH, said
        assert said.splitlines()[-1].endswith(f"osupgrade rehearse {name} --from {release} --to {following}")
        assert "older than" not in said


def test_no_rehearsal_is_offered_that_would_be_refused(server, capsys, tmp_path):
    fill(server, "older", "glance", "22", 13, "ALTER TABLE images DEFAULT CHARACTER SET latin1")
    dump = tmp_path / "older.sql"
    write_dump(server, ["older"], dump)
    server.drop("older")
    assert run(["inspect", str(dump)]) == Exit.DID_NOT
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "next  osupgrade routes"
    assert "try:" not in said
    assert run(["rehearse", "--out", str(tmp_path), str(dump)]) == Exit.USAGE


def test_every_command_that_a_finding_offers_names_what_was_inspected(server, inspect, tmp_path):
    """Printed to be pasted: with the dumps, however they are called, the site and the directories of scenarios."""
    dump, site, own = tmp_path / "my cinder's.sql", tmp_path / "site.toml", tmp_path / "own"
    latin1 = re.sub(r"CHARSET=utf8( COLLATE=\w+)?", "CHARSET=latin1", server.shell("$DUMP cinder").output)
    dump.write_text(re.sub(r" COLLATE utf8_\w+", "", latin1))
    site.touch()
    own.mkdir()
    status, out, err = inspect("--site", site, "--scenarios", own, dump)
    assert status == Exit.DID_NOT, err
    offered = [finding["command"] for finding in json.loads(out)["findings"] if finding["command"]]
    assert offered
    for command in offered:
        program, verb, *words = shlex.split(command)
        assert (program, verb) == ("osupgrade", "rehearse")
        whole(app).commands[verb].make_context(verb, list(words))
        assert words[0] == str(dump)
        assert words[words.index("--site") + 1] == str(site)
        assert words[words.index("--scenarios") + 1] == str(own)
        assert "--cure" in words


NEUTRON = "".join(f"{table_sql(table)};\n" for table in lineage("neutron", "openvswitch").at("grizzly").schema.tables)


@pytest.mark.parametrize(
    ("tables", "default", "cure", "condition"),
    [
        ("latin1", "", "ALTER TABLE `agents`", "if the database's default character set is utf8: "),
        ("utf8", "latin1", "ALTER DATABASE", ""),
    ],
)
def test_what_is_said_of_a_default_is_said_under_the_condition_that_the_dump_leaves_open(
    inspect, tmp_path, tables, default, cure, condition
):
    """A dump without its database's default leaves a finding conditional; one that says it needs only that changed."""
    named = (
        f"CREATE DATABASE `neutron` /*!40100 DEFAULT CHARACTER SET {default} */;\nUSE `neutron`;\n" if default else ""
    )
    made = re.sub(r" COLLATE utf8_\w+", "", NEUTRON).replace("CHARSET=utf8", f"CHARSET={tables}")
    made = made.replace("CHARACTER SET utf8", f"CHARACTER SET {tables}")
    rows = "INSERT INTO alembic_version VALUES ('grizzly');\n"
    dump = tmp_path / "neutron.sql"
    dump.write_text(
        f"-- MySQL dump 10.13  Distrib 5.5.40, for debian-linux-gnu (x86_64)\n--\n{named}"
        f"SET FOREIGN_KEY_CHECKS=0;\n{made}{rows}-- Dump completed on 2014-04-17 12:00:00\n"
    )
    status, out, err = inspect(dump)
    found = [f for f in json.loads(out)["findings"] if f["source"] == "neutron-latin1"]
    assert status == Exit.DID_NOT, err
    assert len(found) == 1
    message = found[0]["message"]
    assert "a different collation from the one that new tables will get" in message.removeprefix(condition)
    assert message.startswith(condition)
    statements = [step["statement"] for step in found[0]["cure"]["steps"]]
    assert any(statement.startswith(cure) for statement in statements)
    assert default == "" or len(statements) == 1


def test_a_survey_decides_what_the_dump_leaves_open(inspect, tmp_path):
    """The same tables are a trap under one default and none under the other, and nothing is assumed any more."""
    dump, survey = tmp_path / "neutron.sql", tmp_path / "survey.tsv"
    latin1 = re.sub(r" COLLATE utf8_\w+", "", NEUTRON).replace("CHARSET=utf8", "CHARSET=latin1")
    dump.write_text(
        "-- MySQL dump 10.13  Distrib 5.5.40, for debian-linux-gnu (x86_64)\n--\nSET FOREIGN_KEY_CHECKS=0;\n"
        f"{latin1.replace('CHARACTER SET utf8', 'CHARACTER SET latin1')}INSERT INTO alembic_version VALUES ('grizzly');\n"
        "-- Dump completed on 2014-04-17 12:00:00\n"
    )
    seen = {}
    for charset, collation in {"latin1": "latin1_swedish_ci", "utf8": "utf8_general_ci"}.items():
        survey.write_text(f"version\t5.5.40\ncharacter_set_server\t{charset}\ncollation_server\t{collation}\n")
        _status, out, err = inspect("--survey", survey, dump)
        findings = json.loads(out)["findings"]
        assert not any("does not say the default" in f["message"] for f in findings), err
        seen[charset] = [f["message"].split()[0] for f in findings if f["source"] == "neutron-latin1"]
        offered = [f["command"] for f in findings if f["command"].startswith("osupgrade rehearse")]
        assert all(f"--survey {survey}" in command for command in offered)
    assert seen == {"latin1": [], "utf8": [str(len(lineage("neutron", "openvswitch").at("grizzly").schema.tables))]}


def test_a_survey_of_a_live_server_is_refused(inspect, tmp_path):
    status, _out, err = inspect("--survey", tmp_path / "s", "--url", "mysql://x@127.0.0.1/")
    assert status == Exit.USAGE
    assert "--survey is for dumps" in err
