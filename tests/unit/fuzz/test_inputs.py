"""Whatever a file of a user's or a stranger's holds: it is read, or refused in one sentence. Never anything else.

Each kind of file starts from a corpus of good ones and of bad ones that were seen, and is then damaged at random.
OSUPGRADE_FUZZ is how many damaged files of each kind are tried; `make fuzz` tries many.
"""

import gzip
import hashlib
import json
import os
import sqlite3
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osupgrade.catalog import content
from osupgrade.catalog.loading import read_json as read_bare_json
from osupgrade.catalog.packages.listing import read_listing
from osupgrade.catalog.site import read_site
from osupgrade.catalog.survey import read_survey
from osupgrade.dump.choose import read_dumps
from osupgrade.dump.holdings import holdings
from osupgrade.dump.policy import load_policy
from osupgrade.dump.remembered import _Memory, _memory
from osupgrade.history import History
from osupgrade.lab.snapshots.records import Records
from osupgrade.model.errors import Exit, Fault
from osupgrade.rehearsal.estimate.host import read_host
from osupgrade.rehearsal.request import Request, read_request
from osupgrade.report.json import read_json
from osupgrade.reproduce.archive import DUMP, FACTS, LOG, SITE, unpack
from osupgrade.scenarios.loading import load_scenarios
from osupgrade.seed.description import DEFAULT, load_description

TRIES = int(os.environ.get("OSUPGRADE_FUZZ", "12"))
quick = settings(
    max_examples=TRIES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)

DUMP_SQL = b"""-- MySQL dump 10.13  Distrib 5.5.31, for debian-linux-gnu (x86_64)
-- Host: localhost    Database: quantum
/*!40101 SET NAMES utf8 */;
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `quantum` /*!40100 DEFAULT CHARACTER SET utf8 */;
USE `quantum`;
CREATE TABLE `alembic_version` (
  `version_num` varchar(32) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
INSERT INTO `alembic_version` VALUES ('folsom');
DELIMITER ;;
CREATE TRIGGER `a` BEFORE INSERT ON `b` FOR EACH ROW SET NEW.c = 'x;y' ;;
DELIMITER ;
-- Dump completed on 2013-05-01 10:00:00
"""
SITE_TOML = b"""plugin = "linuxbridge"
service_plugins = ["router", "lbaas"]
tunnel_id_ranges = "1:1000"
network_vlan_ranges = "physnet1:100:299,physnet2"
packages = ["nova==1"]
[migrations]
nova = "/"
"""
SURVEY = b"version\t5.6.24-log\nsql_mode\t\ncharacter_set_server\tlatin1\ndatabase\tquantum\tutf8\tutf8_general_ci\n"
HOST = json.dumps(
    {
        "format": 1,
        "host": "a",
        "cores": 2,
        "memory_bytes": 9,
        "free_bytes": 9,
        "cpu_mb_s": 1.5,
        "fsync_ms": 1,
        "write_mb_s": 3,
    }
).encode()
FACTS_JSON = json.dumps(
    {
        "format": 1, "osupgrade": "1", "made": "", "path": "a", "service": "nova", "databases": ["nova"], "server": "",
        "images": {"a": "b"}, "commits": {"a": "b"}, "lane": "cured", "instead": "", "masked": True, "origin": "",
        "files": {SITE: "", DUMP: "", LOG: ""},
        "failure": {
            "step": "havana/nova", "kind": "E", "number": 1, "text": "", "statement": "", "revision": "",
            "stands": {"nova": ["1"]},
        },
    }
).encode()  # fmt: skip
RECORD = json.dumps(
    {"key": "record", "volume": "v", "engine": "e", "bytes": 1, "about": "a", "made": "", "kept": "{}"}
).encode()
SCRIPT = b"""from osupgrade.scenarios import Scenario, Silent

scenario = Scenario(title="x", services=("nova",), symptom=Silent("after:havana/nova"))


@scenario.preflight()
@scenario.probe()
def find(cloud):
    return []
"""
DEEP = 20_000
BAD = [
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"a = " + b"[" * DEEP, b"[" * DEEP, b"{\"a\":" * DEEP, b"a." * DEEP + b"b = 1",
    b"a = 9" + b"9" * 5000, b"[" + b"9" * 5000 + b"]", b"a = nan", b"[NaN]", b'"\\ud800"', b'a = "\\u0000"', b"USE `q`" + b" " * 5000,
    b"1e999", b"null", b"[]", b"{}", b"true", b'a = 1979-05-27', b"'" * 999, b"/*" * 999, b"\r" * 999, b"CREATE TABLE `" + b"`" * 99,
]  # fmt: skip


def in_archive(members, into: Path) -> Path:
    """An archive whose members are those given: name -> content."""
    for name, data in members.items():
        (into / name).write_bytes(data)
    with tarfile.open(into / "a.tar.gz", "w:gz") as tar:
        for name in members:
            tar.add(into / name, name)
    return into / "a.tar.gz"


def open_archive(path: Path):
    (path.parent / "into").mkdir()
    return unpack(path, path.parent / "into")


def facts(path: Path):
    place = path.parent / "members"
    place.mkdir()
    return open_archive(in_archive({FACTS: path.read_bytes(), SITE: b"", DUMP: b"", LOG: b""}, place))


def members_archive(path: Path):
    """Damage to what is compressed would be seen by its checksum alone."""
    packed = path.with_name("packed.tar.gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    return open_archive(packed)


def snapshot(path: Path):
    records = Records(path.parent)
    list(records)
    return records.find("record")


def remembered(path: Path):
    return _memory(path)


def manifest(path: Path):
    return read_request(read_bare_json(path), "manifest.json")


def script(path: Path):
    directory = path.parent / "set" / "mine"
    directory.mkdir(parents=True)
    path.rename(directory / "scenario.py")
    load_scenarios([directory.parent])


def history(path: Path):
    return History(path).all()


def scenario(path: Path):
    directory = path.parent / "set" / "mine"
    directory.mkdir(parents=True)
    path.rename(directory / "scenario.toml")
    (directory / "README.md").write_text("mine")
    load_scenarios([directory.parent])


def an_archive() -> bytes:
    members = {SITE: b'plugin = "linuxbridge"\n', DUMP: DUMP_SQL, LOG: b"log"}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    facts = json.dumps({**json.loads(FACTS_JSON), "files": digests}).encode()
    with tempfile.TemporaryDirectory() as name:
        return in_archive({FACTS: facts, **members}, Path(name)).read_bytes()


def a_tar() -> bytes:
    return gzip.decompress(an_archive())


def a_reading() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "dump.sql"
        path.write_bytes(DUMP_SQL)
        (dump,) = read_dumps([path])
        return _Memory(files=dump.sha256, dump=replace(dump, path=Path(), parts=())).model_dump_json().encode()


def a_history() -> bytes:
    with tempfile.TemporaryDirectory() as name:
        History(Path(name) / "h")
        with sqlite3.connect(Path(name) / "h") as database:
            database.execute(
                "INSERT INTO runs VALUES ('a', 'b', 'c', 'd', 'e', 'f', 'g', 1, 2.0, '{\"rows\": {\"a\": 1}}')"
            )
        database.close()
        return (Path(name) / "h").read_bytes()


def a_scenario() -> bytes:
    return next(iter(sorted(content.scenarios().glob("*/scenario.toml")))).read_bytes()


KINDS = {
    "dump.sql": (lambda path: holdings(read_dumps([path])), lambda: DUMP_SQL),
    "policy.toml": (load_policy, lambda: b'[neutron.ports]\nname = "name"\n'),
    "site.toml": (read_site, lambda: SITE_TOML),
    "cloud.toml": (load_description, DEFAULT.read_bytes),
    "survey.txt": (read_survey, lambda: SURVEY),
    "host.json": (read_host, lambda: HOST),
    "report.json": (read_json, lambda: b'{"schema_version": 1, "kind": "rehearsal"}'),
    "packages.txt": (lambda path: read_listing(path.read_text("utf-8", "replace"), "list"), lambda: b"nova==1\n"),
    "reproduction.json": (facts, lambda: FACTS_JSON),
    "archive.tar.gz": (open_archive, an_archive),
    "members.tar": (members_archive, a_tar),
    "record.json": (snapshot, lambda: RECORD),
    "reading.json": (remembered, a_reading),
    "request.json": (manifest, lambda: json.dumps(Request().data()).encode()),
    "scenario.py": (script, lambda: SCRIPT),
    "history.sqlite": (history, a_history),
    "scenario.toml": (scenario, a_scenario),
}


def tried(kind: str, data: bytes) -> str:
    """What comes of reading such a file: nothing, or the sentence with which it is refused."""
    read, _ = KINDS[kind]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / kind
        path.write_bytes(data)
        try:
            read(path)
        except Fault as fault:
            assert fault.status in (Exit.USAGE, Exit.MISSING), fault.message
            assert fault.message.strip(), "a refusal says why"
            return fault.message
    return ""


@st.composite
def damaged(draw, good: bytes) -> bytes:
    """A good file with some of it cut out, doubled, overwritten, or put in from elsewhere."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 40)))
        put = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    [b"", b"\0", b"'", b'"', b"`", b"\n", b"\\", b"[", b"{", b"]]", b"=", b"3", b"-1", b"null"]
                ),
                st.sampled_from(
                    [b"9" * 400, b"[]", b"{}", b'"\\u0000"', "\u202e".encode(), b";", b"*/", b"/*", b"--", b"nan"]
                ),
                st.just(bytes(data[at:to]) * 2),
            )
        )
        data[at:to] = put
    return bytes(data)


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_are_bad_in_known_ways_are_refused(kind):
    for bad in BAD:
        tried(kind, bad)


@pytest.mark.parametrize(
    "kind",
    [
        "site.toml",
        "cloud.toml",
        "survey.txt",
        "host.json",
        "history.sqlite",
        "members.tar",
        "request.json",
        "scenario.py",
    ],
)
def test_the_corpus_holds_good_files(kind):
    assert tried(kind, KINDS[kind][1]()) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused(kind):
    good = KINDS[kind][1]()

    @quick
    @given(damaged(good))
    def any_of(data):
        tried(kind, data)

    any_of()
