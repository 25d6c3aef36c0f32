"""The ways of a cloud: a backup that brings everything back, a move to another server, and what goes wrong with them."""

import dataclasses

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import NEW, Laboratory
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model.finding import Severity
from osupgrade.model.plan import ServerMove, find_path, make_plan
from osupgrade.model.step import Outcome
from osupgrade.rehearsal.runner import Refused
from osupgrade.rehearsal.servers import ServerMoves
from osupgrade.rehearsal.strategy import InPlace, NewController

OLD, ANOTHER = "mysql56", "mariadb105"


@pytest.fixture(scope="module")
def laboratory(client):
    plan = make_plan(find_path(load_paths(), load_releases(), "grizzly-icehouse"), load_releases())
    tags = ImageStore(client).ensure([OLD, ANOTHER])
    with (
        Lab(client) as lab,
        start_database(lab, tags[OLD]) as server,
        start_database(lab, tags[ANOTHER], name=NEW) as other,
    ):
        yield Laboratory(lab, server, None, plan, tags, OLD, other, ANOTHER)


@pytest.fixture
def in_place(laboratory):
    return dataclasses.replace(laboratory, new=None, new_database="")


@pytest.fixture
def cloud(laboratory):
    server = laboratory.server
    server.create("keystone")
    server.execute("keystone", "CREATE TABLE user (id INT PRIMARY KEY, name VARCHAR(64), seen DATETIME, share DOUBLE)")
    server.execute(
        "keystone", "INSERT INTO user VALUES (1, 'Gr\u00f6\u00dfe', '2013-04-04 10:00:00', 0.1), (2, NULL, NULL, 1e300)"
    )
    server.create("nova")
    server.execute("nova", "CREATE TABLE instances (uuid CHAR(36), blob_ LONGBLOB, KEY (uuid)) DEFAULT CHARSET=latin1")
    server.execute("nova", "INSERT INTO instances VALUES ('a', x'00ff27225c'), (NULL, NULL)")
    server.execute("nova", "CREATE TRIGGER t BEFORE INSERT ON instances FOR EACH ROW SET NEW.uuid = LOWER(NEW.uuid)")
    yield Cloud(server, {"keystone": "keystone", "nova": "nova"}, Site(), "main")
    for name in ("keystone", "nova"):
        server.drop(name)
        laboratory.new.drop(name)


def told(result):
    return {phase.name: phase for phase in result.strategy.phases}


def test_in_place_the_backup_brings_everything_back_and_leaves_nothing_behind(in_place, cloud):
    way = InPlace(in_place, True, print)
    assert way.before(cloud) is cloud
    before = in_place.server.databases()
    # What the upgrade does to the cloud meanwhile is nothing to the backup.
    cloud.execute("nova", "DELETE FROM instances", "ALTER TABLE instances DROP COLUMN blob_")
    result = way.after(None)
    phases = told(result)
    assert result.findings == () and set(phases) == {"backup", "rollback"}
    assert set(phases["rollback"].databases) == {"keystone", "nova"} and phases["rollback"].bytes > 500
    assert 0 < max(phases["rollback"].databases.values()) <= phases["rollback"].seconds
    assert "the backup was restored in" in result.strategy.way_back and "row for row" in result.strategy.way_back
    assert in_place.server.databases() == before


def test_a_backup_that_does_not_hold_everything_is_found_out(in_place, cloud):
    way = InPlace(in_place, True, print)
    way.before(cloud)
    in_place.server.shell("sed -i 's/Gr\u00f6\u00dfe/Grosse/' /var/lib/osupgrade/backup/keystone.sql")
    result = way.after(None)
    (staged,) = result.findings
    assert (staged.finding.service, staged.finding.evidence.rows) == ("keystone", (("user",),))
    assert "came back with different data" in staged.finding.message
    assert result.strategy.way_back == ""


def test_without_a_rollback_nothing_is_done(in_place, cloud):
    way = InPlace(in_place, False, print)
    assert way.before(cloud) is cloud
    result = way.after(None)
    assert result.findings == () and result.strategy.phases == ()


def test_a_move_takes_everything_to_a_server_of_another_version(laboratory, cloud):
    way = NewController(laboratory, print)
    moved = way.before(cloud)
    assert moved.server is laboratory.new and "MariaDB" in moved.server.version
    assert moved.rows("keystone", "SELECT name FROM user ORDER BY id") == [("Gr\u00f6\u00dfe",), (None,)]
    assert f"@{NEW}:3306/nova" in moved.setting.urls["nova"]
    moved.execute("nova", "DELETE FROM instances")
    result = way.after(None)
    assert result.findings == ()
    assert list(told(result)) == ["dump", "copy", "restore", "comparison", "rollback"]
    assert (result.strategy.name, result.strategy.old, result.strategy.new) == ("new-controller", OLD, ANOTHER)
    assert "the old server is unchanged" in result.strategy.way_back


def test_an_old_server_that_somebody_still_writes_to_is_no_way_back(laboratory, cloud):
    way = NewController(laboratory, print)
    way.before(cloud)
    cloud.execute("nova", "INSERT INTO instances VALUES ('late', NULL)")
    (staged,) = way.after(None).findings
    assert staged.finding.service == "nova" and "old server changed their data" in staged.finding.message


def test_a_dump_that_the_new_server_does_not_take_ends_the_rehearsal_with_its_error(laboratory, cloud, monkeypatch):
    cloud.execute("nova", "CREATE TABLE `window` (`rows` INT)")
    broken = "sed -i 's/CREATE TABLE/CREATE TABEL/' /var/lib/osupgrade/backup/nova.sql"
    save = laboratory.server.save

    def breaking(names, shelf):
        copied = save(names, shelf)
        laboratory.server.shell(broken)
        return copied

    monkeypatch.setattr(laboratory.server, "save", breaking)
    with pytest.raises(Refused, match=r"mariadb105 rejects a dump of mysql56.*1064"):
        NewController(laboratory, print).before(cloud)


@pytest.fixture
def move(laboratory):
    # Without a workshop there is nothing to render addresses with; Grizzly's databases hold none.
    return ServerMoves(laboratory.plan, {ANOTHER: laboratory.new})


TO = ServerMove(ANOTHER, "havana")


def test_between_two_hops_everything_goes_to_another_server(laboratory, cloud, move):
    moved = move(cloud, TO)
    assert moved.cloud.server is laboratory.new and moved.result.outcome is Outcome.PASSED
    assert moved.cloud.rows("keystone", "SELECT name FROM user ORDER BY id") == [("Gr\u00f6\u00dfe",), (None,)]
    assert "MariaDB" in moved.result.versions_after["server"][0]
    assert list(moved.result.calls) == ["dump", "copy", "restore"]
    (settings,) = moved.findings
    assert settings.severity is Severity.INFO
    other = {row[0]: row[1:] for row in settings.evidence.rows}
    assert other["row formats"] == ("Compact 2", "Dynamic 2")


def test_rows_that_do_not_arrive_are_an_error(laboratory, cloud, move, monkeypatch):
    load = laboratory.new.load

    def losing(shelf, names):
        loaded = load(shelf, names)
        laboratory.new.execute("nova", "DELETE FROM instances LIMIT 1")
        return loaded

    monkeypatch.setattr(laboratory.new, "load", losing)
    lost = [found for found in move(cloud, TO).findings if found.severity is Severity.ERROR]
    assert [(found.service, found.evidence.rows) for found in lost] == [("nova", (("instances",),))]
    assert "arrived on mariadb105 with different data" in lost[0].message


def test_a_server_that_refuses_the_dumps_fails_the_step_and_the_cloud_stays_where_it_is(laboratory, cloud, move):
    cloud.execute("nova", "CREATE TABLE old (id INT) ENGINE=InnoDB ROW_FORMAT=REDUNDANT")
    laboratory.server.execute("", "CREATE DATABASE IF NOT EXISTS gone")
    cloud.execute("nova", "CREATE TABLE gone.t (a INT)", "CREATE VIEW v AS SELECT a FROM gone.t")
    moved = move(cloud, TO)
    laboratory.server.drop("gone")
    assert moved.cloud is cloud and moved.result.outcome is Outcome.FAILED
    assert "cannot restore the dumps of 5.6" in moved.result.problems[0] and "gone" in moved.result.problems[0]
