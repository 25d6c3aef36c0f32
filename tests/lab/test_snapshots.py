"""A restored dump, kept as a data directory: the next server starts from a copy of it and holds the same."""

import contextlib
import secrets
import signal
import subprocess
import sys

import pytest

from osupgrade.cloud import restored as restored_module
from osupgrade.cloud.restored import start_restored
from osupgrade.dump.choose import read_dumps
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.lab.snapshots.records import Record
from osupgrade.lab.snapshots.store import LIMIT, SnapshotStore
from osupgrade.model.errors import UsageFault

DUMP = """-- MySQL dump 10.13  Distrib 5.6.24, for Linux (x86_64)
--
-- Host: localhost    Database: cinder
-- ------------------------------------------------------
-- Server version	5.6.24
/*!40101 SET NAMES utf8 */;
CREATE TABLE `volumes` (`id` int PRIMARY KEY, `name` varchar(64)) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE `snapshots` (`id` int PRIMARY KEY) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE `iscsi_targets` (`id` int PRIMARY KEY) ENGINE=InnoDB DEFAULT CHARSET=utf8;
CREATE TABLE `migrate_version` (`repository_id` varchar(250) PRIMARY KEY, `repository_path` text, `version` int);
INSERT INTO `migrate_version` VALUES ('cinder','/cinder/db/sqlalchemy/migrate_repo',9);
INSERT INTO `volumes` VALUES (1,'Münze'),(2,NULL);
-- Dump completed on 2013-05-10 16:01:45
"""
ROWS = [(1, "Münze"), (2, None)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(LIMIT)
    monkeypatch.setattr(restored_module, "WORTH", 0)


@pytest.fixture
def dumps(tmp_path):
    file = tmp_path / "cinder.sql"
    file.write_text(DUMP, "utf-8")
    return read_dumps([file])


@pytest.fixture
def store(client):
    store = SnapshotStore(client)
    yield store
    for record in list(store):
        store.remove(record.key)


@pytest.mark.parametrize("database", ["mysql56", "mysql97", "mariadb105"])
def test_the_second_server_starts_from_what_the_first_one_restored(client, store, dumps, database):
    image = ImageStore(client).ensure([database], print)[database]
    told: list[list[str]] = [[], []]
    restored = []
    for said in told:
        with Lab(client) as lab:
            server, made = start_restored(lab, image, dumps, said.append)
            restored.append(made)
            with server:
                name = made.databases["cinder"]
                assert server.rows(name, "SELECT * FROM volumes ORDER BY id") == ROWS
                assert server.defaults(name)[0].startswith("utf8")
                # What a run does to its own copy the next one does not see.
                server.execute(name, "DROP TABLE volumes")
                # The account of the tools has this run's password, and its rights still.
                client_of = f"mysql --user=lab --password={server.tool.password} --protocol=socket {name}"
                assert server.shell(f"{client_of} -e 'CREATE TABLE own (id int)'").ok
                with pytest.raises(UsageFault, match="in use"):
                    store.remove(next(iter(store)).key)
    assert any("restoring" in text for text in told[0])
    assert not any("restoring" in text for text in told[1])
    assert any("from the snapshot of cinder.sql" in text for text in told[1])
    assert restored[0] == restored[1]
    assert restored[1].sha256 == {str(dumps[0].path): dumps[0].sha256}
    (kept,) = store
    assert 1_000_000 < kept.bytes < 500_000_000


def test_another_file_or_another_option_is_another_snapshot(client, store, dumps, tmp_path):
    image = ImageStore(client).ensure(["mysql56"], print)["mysql56"]
    other = tmp_path / "other" / "cinder.sql"
    other.parent.mkdir()
    other.write_text(DUMP.replace("Münze", "Taler"), "utf-8")
    for given, options in ((dumps, ()), (read_dumps([other]), ()), (dumps, ("--loose-lower-case-table-names=1",))):
        with Lab(client) as lab:
            server, made = start_restored(lab, image, given, print, options=options)
            with server:
                expected = "Taler" if given is not dumps else "Münze"
                assert server.rows(made.databases["cinder"], "SELECT name FROM volumes WHERE id = 1") == [(expected,)]
    assert len(list(store)) == 3


def test_a_dump_that_does_not_restore_leaves_no_snapshot(client, store, dumps, tmp_path):
    image = ImageStore(client).ensure(["mysql56"], print)["mysql56"]
    wrong = tmp_path / "wrong.sql"
    wrong.write_text(DUMP.replace("(2,NULL)", "(1,NULL)"), "utf-8")
    with Lab(client) as lab, pytest.raises(UsageFault, match="Duplicate"):
        start_restored(lab, image, read_dumps([wrong]), print)
    assert list(store) == []
    assert volumes_of(client) == []


@pytest.mark.parametrize("why", ["no room", "small"])
def test_none_is_kept_where_there_is_no_room_or_no_need(client, store, dumps, monkeypatch, why):
    image = ImageStore(client).ensure(["mysql56"], print)["mysql56"]
    if why == "small":
        monkeypatch.setattr(restored_module, "WORTH", 1 << 20)
    else:
        monkeypatch.setenv(LIMIT, "0")
    with Lab(client) as lab:
        server, made = start_restored(lab, image, dumps, print)
        with server:
            assert made is None
            assert server.databases() == ()
    assert volumes_of(client) == []


def test_a_kill_in_the_middle_leaves_none(client, store):
    image = ImageStore(client).ensure(["mysql56"], print)["mysql56"]
    key = secrets.token_hex(8)
    code = """
import os, signal, sys
from osupgrade.lab.connect import connect
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.snapshots.store import SnapshotStore
client = connect()
with Lab(client) as lab, SnapshotStore(client).making(sys.argv[2]) as volume:
    start_database(lab, sys.argv[1], memory=False, volume=volume)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", code, image, key], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert store.find(key) is None
    # The reaper that outlives it removes the volume too; the engine tells of it, now or already.
    events = client.events(decode=True, since=0, filters={"type": "volume", "event": "destroy"})
    with contextlib.closing(events):
        assert any(event["Actor"]["ID"].startswith(f"osupgrade-snapshot-{key}") for event in events)
    assert volumes_of(client) == []


def test_the_least_recently_used_makes_room(client, store, monkeypatch):
    image = ImageStore(client).ensure(["mysql56"], print)["mysql56"]
    with Lab(client) as lab:
        for key in ("first", "second"):
            with store.making(key) as volume:
                server = start_database(lab, image, memory=False, volume=volume, name=key)
                kept = store.keep(lab, server, image, Record(key, volume, "", 0, "", ""))
            monkeypatch.setenv(LIMIT, str(1.5 * kept.bytes / 1e9))
    assert [record.key for record in store] == ["second"]
    assert len(volumes_of(client)) == 1


def volumes_of(client):
    label = f"org.osupgrade.store={SnapshotStore(client)._id}"
    return [volume.name for volume in client.volumes.list(filters={"label": label})]
