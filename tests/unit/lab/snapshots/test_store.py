"""The store's books against an engine of which only the volumes are there; tests/lab has it make and use real ones."""

import os
import subprocess
import sys
from dataclasses import dataclass, field

import docker.errors
import pytest

from osupgrade.lab.leftovers import LABEL, PID_LABEL
from osupgrade.lab.snapshots.records import Record
from osupgrade.lab.snapshots.store import LIMIT, SnapshotStore
from osupgrade.model.errors import UsageFault


@dataclass
class Volume:
    name: str
    attrs: dict
    engine: "Engine"

    def remove(self):
        if self.name in self.engine.mounted:
            raise docker.errors.APIError("volume is in use")
        del self.engine.there[self.name]


@dataclass
class Engine:
    """Its own ``volumes`` too."""

    root: str
    there: dict = field(default_factory=dict)
    mounted: set = field(default_factory=set)

    @property
    def volumes(self):
        return self

    def info(self):
        return {"ID": "engine", "DockerRootDir": self.root}

    def create(self, name, labels):
        self.there[name] = Volume(name, {"Labels": labels}, self)

    def get(self, name):
        if name not in self.there:
            raise docker.errors.NotFound(name)
        return self.there[name]

    def list(self, filters):
        key, _, value = filters["label"].partition("=")
        return [volume for volume in self.there.values() if volume.attrs["Labels"].get(key) == value]


@pytest.fixture
def engine(tmp_path):
    return Engine(str(tmp_path))


@pytest.fixture
def store(engine, tmp_path):
    return SnapshotStore(engine, tmp_path / "snapshots")


def made(store, key, size=10, engine="engine"):
    with store.making(key) as volume:
        store.records.put(Record(key, volume, engine, size, "nova.sql", ""))
    return volume


@pytest.fixture
def dead():
    """The number of a process that is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return str(gone.pid)


def test_what_was_made_is_found(store):
    made(store, "a")
    assert store.find("a") == store.records.find("a")
    assert store.find("b") is None


def test_what_was_not_finished_is_gone(store, engine):
    with pytest.raises(RuntimeError), store.making("a"):
        raise RuntimeError
    with store.making("b"):
        assert len(engine.there) == 1
    assert engine.there == {}
    assert list(store) == []


def test_a_snapshot_whose_volume_is_gone_is_forgotten(store, engine):
    volume = made(store, "a")
    del engine.there[volume]
    assert store.find("a") is None
    assert store.records.find("a") is None


def test_snapshots_of_another_engine_are_left_alone(store):
    made(store, "a", engine="another")
    assert list(store) == []
    assert store.records.find("a")


def test_sweeping_takes_what_dead_processes_left_and_nothing_else(store, engine, tmp_path, dead):
    whole = made(store, "whole")
    theirs = SnapshotStore(engine, tmp_path / "another user")
    for volume, by, pid in (("busy", store, str(os.getpid())), ("theirs", theirs, dead), ("left", store, dead)):
        with by.making(volume) as name:
            labels = dict(engine.there[name].attrs["Labels"])
        engine.create(volume, {**labels, PID_LABEL: pid})
    engine.there[whole].attrs["Labels"][PID_LABEL] = dead
    assert store.sweep() == ("left",)
    assert set(engine.there) == {whole, "busy", "theirs"}


def test_a_snapshot_in_use_stays_and_says_so(store, engine):
    engine.mounted.add(made(store, "a"))
    with pytest.raises(UsageFault, match="in use"):
        store.remove("a")
    assert store.find("a")
    engine.mounted.clear()
    store.remove("a")
    assert engine.there == {}
    with pytest.raises(UsageFault, match="no snapshot a"):
        store.remove("a")


def test_all_are_removed_whoever_made_them_but_those_in_use(store, engine, tmp_path):
    theirs = SnapshotStore(engine, tmp_path / "another user")
    made(store, "a")
    kept = made(store, "b")
    made(theirs, "c")
    engine.create("source", {LABEL: "source"})
    engine.mounted.add(kept)
    assert len(store.remove_all()) == 2
    assert set(engine.there) == {kept, "source"}
    assert [record.key for record in store.records] == ["b"]


def test_there_is_room_for_what_the_limit_and_the_disk_allow(store, monkeypatch):
    monkeypatch.setenv(LIMIT, "1")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage(free=100 << 30))
    assert store.has_room(10**9)
    assert not store.has_room(10**9 + 1)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage(free=3 << 30))
    assert store.has_room(400_000_000)
    assert not store.has_room(900_000_000)
    monkeypatch.setenv(LIMIT, "0")
    assert not store.has_room(1)


@dataclass
class Usage:
    free: int
