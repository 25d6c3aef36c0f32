import gzip

import pytest

from osupgrade.dump import remembered
from osupgrade.dump.choose import read_dumps
from osupgrade.dump.find import find_dumps
from osupgrade.dump.read import read_dump
from osupgrade.dump.remembered import read_remembered
from osupgrade.model.errors import UsageFault

SQL = """-- MySQL dump 10.13  Distrib 5.6.24, for Linux (x86_64)
--
-- Host: localhost    Database: cinder
-- Server version	5.6.24
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
CREATE TABLE `volumes` (`id` int) DEFAULT CHARSET=latin1;
CREATE TABLE `snapshots` (`id` int) DEFAULT CHARSET=utf8;
INSERT INTO `volumes` VALUES (1),(2);
-- Dump completed on 2013-05-10 16:01:45
"""


@pytest.fixture(autouse=True)
def all_is_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(remembered, "WORTH", 0)


@pytest.fixture
def counted(monkeypatch):
    """How often a dump was really read."""
    calls = []

    def read(*args, **options):
        calls.append(args[0])
        return read_dump(*args, **options)

    monkeypatch.setattr(remembered, "read_dump", read)
    return calls


def readings(tmp_path):
    return sorted((tmp_path / "cache" / "osupgrade" / "readings").glob("*"))


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_remembered_is_what_reading_told(tmp_path, counted, packed):
    file = tmp_path / ("cinder.sql.gz" if packed else "cinder.sql")
    file.write_bytes(gzip.compress(SQL.encode()) if packed else SQL.encode())
    first, second = read_dumps([file]), read_dumps([file])
    assert len(counted) == 1
    assert first == second
    assert second[0].path == file
    assert [part.path for part in second[0].parts] == [file]


def test_a_file_of_the_same_name_and_size_with_something_else_in_it_is_read(tmp_path, counted):
    file = tmp_path / "cinder.sql"
    file.write_text(SQL)
    read_dumps([file])
    file.write_text(SQL.replace("volumes", "volumez").replace("latin1", "latin2"))
    (dump,) = read_dumps([file])
    assert len(counted) == 2
    assert "volumez" in dump.sections[0].tables


def test_the_same_file_elsewhere_is_remembered_and_under_another_name_read(tmp_path, counted):
    for name in ("one/cinder.sql", "two/cinder.sql", "two/volume.sql"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(SQL)
        (dump,) = read_dumps([file])
        assert dump.path == file
    assert [path.name for path in counted] == ["cinder.sql", "volume.sql"]


def test_a_broken_dump_is_refused_again_in_the_same_words(tmp_path, counted):
    file = tmp_path / "cinder.sql"
    file.write_text(SQL.replace("-- Dump completed on 2013-05-10 16:01:45\n", "INSERT INTO `volumes` VALUES (3),("))
    said = []
    for _ in range(2):
        with pytest.raises(UsageFault) as caught:
            read_dumps([file])
        said.append(str(caught.value))
    assert len(counted) == 1
    assert said[0] == said[1]


def test_other_code_reads_for_itself(tmp_path, counted, monkeypatch):
    file = tmp_path / "cinder.sql"
    file.write_text(SQL)
    read_dumps([file])
    monkeypatch.setattr(remembered, "code_hash", lambda: "another")
    read_dumps([file])
    assert len(counted) == 2


@pytest.mark.parametrize("content", ["", "{}", '{"files": "x", "dump": 3}'])
def test_a_damaged_memory_is_none(tmp_path, counted, content):
    file = tmp_path / "cinder.sql"
    file.write_text(SQL)
    read_dumps([file])
    (memory,) = readings(tmp_path)
    memory.write_text(content)
    read_dumps([file])
    assert len(counted) == 2


def test_a_directory_of_mydumper_is_remembered_with_its_files(tmp_path, counted):
    directory = tmp_path / "night"
    directory.mkdir()
    (directory / "metadata").write_text("Started dump at: 2013-05-10 16:01:45\n")
    (directory / "cinder-schema-create.sql").write_text("CREATE DATABASE `cinder`;\n")
    (directory / "cinder.volumes-schema.sql").write_text("CREATE TABLE `volumes` (`id` int);\n")
    (directory / "cinder.snapshots-schema.sql").write_text("CREATE TABLE `snapshots` (`id` int);\n")
    (directory / "cinder.volumes.sql").write_text("INSERT INTO `volumes` VALUES (1);\n")
    ((path, parts),) = find_dumps([directory])
    assert read_remembered(path, parts) == read_remembered(path, parts) == read_dump(path, parts, insist=True)
    assert len(counted) == 1


def test_a_cache_that_cannot_be_written_spoils_nothing(tmp_path, counted, monkeypatch):
    (tmp_path / "cache").write_text("no directory")
    file = tmp_path / "cinder.sql"
    file.write_text(SQL)
    assert read_dumps([file]) == read_dumps([file])
    assert len(counted) == 2


def test_only_the_newest_are_remembered(tmp_path, counted, monkeypatch):
    monkeypatch.setattr(remembered, "MOST", 2)
    for number in range(4):
        file = tmp_path / f"cinder{number}.sql"
        file.write_text(SQL)
        read_dumps([file])
    assert len(readings(tmp_path)) == 2
