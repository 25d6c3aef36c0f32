"""Archives: out and in again, and what is refused with one sentence before anything is written."""

import dataclasses
import gzip
import io
import json
import tarfile
import tracemalloc

import pytest

from osupgrade.catalog.site import Site, read_site
from osupgrade.dump.limits import VARIABLE
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.failure import Failure
from osupgrade.reproduce.archive import DUMP, FACTS, Facts, pack, site_text, unpack

FAILURE = Failure("havana/nova", "IntegrityError", 1452, "a … b", "INSERT INTO x", "209_x", {"nova": ("208",)})
FAILS = Facts(
    osupgrade="0.1.0",
    made="2026-11-22T20:00:00+00:00",
    path="grizzly-icehouse",
    service="nova",
    databases=("nova",),
    server="mysql56: 5.6.51",
    images={"havana": "osupgrade/havana:1"},
    commits={"havana/nova": "3" * 40},
    lane="naive",
    instead="",
    masked=True,
    origin="seeded cloud 1234",
    failure=FAILURE,
    files={},
)
SITE = Site(
    plugin="linuxbridge", migrations=(("nova", "/a b"),), security_groups=False, service_plugins=("router", "x")
)


@pytest.fixture
def archive(tmp_path):
    (tmp_path / "dump.sql").write_text("CREATE TABLE a (b INT);\n")
    (tmp_path / "log").write_text("it failed: …\n")
    pack(tmp_path / "a.tar.gz", FAILS, SITE, tmp_path / "dump.sql", tmp_path / "log")
    return tmp_path / "a.tar.gz"


def rewritten(archive, change):
    """The archive with its members (name -> (TarInfo, content)) changed."""
    with tarfile.open(archive) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar.getmembers()]
    with tarfile.open(archive, "w:gz") as tar:
        for member, content in change(members):
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def refused(archive, tmp_path):
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(UsageFault) as caught:
        unpack(archive, into)
    assert caught.value.status == Exit.USAGE
    assert "\n" not in caught.value.message
    return caught.value.message, sorted(path.name for path in into.iterdir())


def test_what_was_packed_comes_out_again(archive, tmp_path):
    (tmp_path / "into").mkdir()
    packed = unpack(archive, tmp_path / "into")
    assert packed.facts == dataclasses.replace(FAILS, files=packed.facts.files)
    assert (packed.site, packed.log) == (dataclasses.replace(SITE, migrations=()), "it failed: …\n")
    assert packed.dump.read_text() == "CREATE TABLE a (b INT);\n"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_nothing_in_it_says_who_packed_it(archive):
    with tarfile.open(archive) as tar:
        assert {(m.uid, m.gid, m.uname, m.gname) for m in tar.getmembers()} == {(0, 0, "", "")}


def test_an_archive_is_not_written_over(archive, tmp_path):
    with pytest.raises(UsageFault, match="exists already"):
        pack(archive, FAILS, SITE, tmp_path / "dump.sql", tmp_path / "log")


@pytest.mark.parametrize("keep", [0, 10, 200, -20])
def test_a_cut_archive(archive, tmp_path, keep):
    archive.write_bytes(archive.read_bytes()[:keep])
    message, left = refused(archive, tmp_path)
    assert "damaged or not an archive" in message
    assert left == []


def test_bytes_that_are_no_archive(tmp_path):
    for content in (b"hello", gzip.compress(b"CREATE TABLE x")):
        (tmp_path / "x").write_bytes(content)
        assert "damaged or not an archive" in refused(tmp_path / "x", tmp_path)[0]
        (tmp_path / "into").rmdir()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "logs/evil", "evil"])
def test_a_member_with_a_path_of_its_own(archive, tmp_path, name):
    rewritten(archive, lambda members: [*members, (tarfile.TarInfo(name), b"x")])
    message, left = refused(archive, tmp_path)
    assert f'it holds "{name}"' in message
    assert left == []
    assert not (tmp_path / "evil").exists()


def test_a_member_that_is_a_link(archive, tmp_path):
    link = tarfile.TarInfo("step.log")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    rewritten(archive, lambda members: [*members[:-1], (link, b"")])
    assert "which is not a regular file" in refused(archive, tmp_path)[0]


def header(name="cloud.sql", kind=tarfile.REGTYPE, size=0, **more):
    """The block that describes a member."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    for key, value in more.items():
        setattr(member, key, value)
    return member.tobuf(tarfile.GNU_FORMAT)


def block(data):
    return data + bytes(-len(data) % 512)


PAX = tarfile.XHDTYPE
STRANGE = {
    "pax without a length": header("x", PAX, 9) + block(b"path=evil") + header(),
    "pax with a length that lies": header("x", PAX, 20) + block(b"99 path=evil\n") + header(),
    "pax with a length of zero": header("x", PAX, 9) + block(b"0 path=x\n") + header(),
    "pax with no number": header("x", PAX, 12) + block(b"xx path=e\n") + header(),
    "pax with a size that is none": header("x", PAX, 14) + block(b"14 size=-9999\n") + header(),
    "pax with a name elsewhere": header("x", PAX, 23) + block(b"23 path=/etc/evil.conf\n") + header(),
    "pax with letters that are none": header("x", PAX, 12) + block(b"12 path=\xff\xfe\n") + header(),
    "pax with a sparse map": header("x", PAX, 31) + block(b"31 GNU.sparse.map=0,1,x,y,z,,,\n") + header(),
    "pax for ever": (header("x", PAX, 10) + block(b"10 path=a\n")) * 3000,
    "a name without an end": header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 1 << 32) + bytes(1024),
    "a sparse file": header("cloud.sql", tarfile.GNUTYPE_SPARSE, 9) + bytes(1024),
    "a device": header("cloud.sql", tarfile.BLKTYPE, devmajor=8),
    "a terminal": header("cloud.sql", tarfile.CHRTYPE, devmajor=5),
    "a pipe": header("cloud.sql", tarfile.FIFOTYPE),
    "a directory": header("cloud.sql", tarfile.DIRTYPE),
    "a hard link": header("cloud.sql", tarfile.LNKTYPE, linkname="/etc/passwd"),
    "a symbolic link": header("cloud.sql", tarfile.SYMTYPE, linkname="/etc/passwd"),
    "above": header("../cloud.sql"),
    "elsewhere": header("/etc/cloud.sql"),
    "a dot before it": header("./cloud.sql"),
    "escapes": header("\x1b[31m\n\u202e"),
    "larger than any disk": header("cloud.sql", size=1 << 60),
    "less than nothing": header("cloud.sql")[:124] + b"\xff" * 12 + header("cloud.sql")[136:],
    "many": b"".join(header(f"m{number}") for number in range(5000)),
    "a log without an end": header("step.log", size=1 << 30) + bytes(4096),
    "zeros": bytes(1 << 20),
}


@pytest.mark.parametrize("what", STRANGE)
def test_an_archive_of_no_kind_that_we_write_is_refused_and_nothing_is_written(tmp_path, what):
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(STRANGE[what] + bytes(1024)))
    message, left = refused(tmp_path / "a.tar.gz", tmp_path)
    assert "a.tar.gz" in message
    assert left == []
    assert message.isprintable()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, PAX])
def test_what_describes_a_member_is_not_read_without_bound(tmp_path, kind):
    """It is one piece, and the archive itself says how long: a few kilobytes would become gigabytes of memory."""
    said = 64 << 20
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(header("x", kind, said) + bytes(said), 1))
    tracemalloc.start()
    try:
        message, _ = refused(tmp_path / "a.tar.gz", tmp_path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert f"describes a file in {said} bytes" in message
    assert most < said / 2


def test_an_archive_that_becomes_too_much_is_refused(archive, tmp_path, monkeypatch):
    monkeypatch.setattr("osupgrade.reproduce.archive.FREE", 1 << 20)
    monkeypatch.setenv("OSUPGRADE_LIMITS", "ratio=2")
    rewritten(archive, lambda ms: [(m, bytes(4 << 20) if m.name == "cloud.sql" else c) for m, c in ms])
    message, left = refused(archive, tmp_path)
    assert "when unpacked" in message
    assert left == []


def test_an_archive_is_refused_by_what_it_says_it_becomes_before_that_is_unpacked(tmp_path, monkeypatch):
    huge = tarfile.TarInfo(DUMP)
    huge.size = 6_000_000_000
    with gzip.open(tmp_path / "a.tar.gz", "wb") as packed:
        packed.write(huge.tobuf())
        packed.write(bytes(1 << 20))
    said, there = refused(tmp_path / "a.tar.gz", tmp_path)
    assert (said, there) == (f"{tmp_path}/a.tar.gz holds {DUMP} of 6.0 GB, and an archive may hold 2 GB", [])
    monkeypatch.setenv(VARIABLE, "archive=6")
    (tmp_path / "into").rmdir()
    assert "damaged" in refused(tmp_path / "a.tar.gz", tmp_path)[0]


def test_a_member_that_is_missing_or_there_twice(archive, tmp_path):
    before = archive.read_bytes()
    rewritten(archive, lambda members: members[:-1])
    assert "it lacks step.log" in refused(archive, tmp_path)[0]
    (tmp_path / "into").rmdir()
    archive.write_bytes(before)
    rewritten(archive, lambda members: [*members, members[-1]])
    assert "twice" in refused(archive, tmp_path)[0]


def test_a_file_that_was_changed(archive, tmp_path):
    rewritten(archive, lambda ms: [(m, c.replace(b"INT", b"BIT")) if m.name == "cloud.sql" else (m, c) for m, c in ms])
    assert "cloud.sql has another SHA-256" in refused(archive, tmp_path)[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda facts: {**facts, "format": 2}, "packed by a different version of osupgrade"),
        (lambda facts: {k: v for k, v in facts.items() if k != "failure"}, "cannot be read"),
        (lambda facts: {**facts, "more": 1}, "cannot be read"),
        (lambda facts: {**facts, "path": 7}, "cannot be read"),
        (lambda facts: {**facts, "files": {}}, "cannot be read"),
        *(
            (lambda facts, key=key, value=value: {**facts, key: value}, "cannot be read")
            for key in ("images", "commits", "files", "failure", "databases")
            for value in (None, 1, "text", [1], [["a", 1]], {"a": 1})
        ),
        (lambda facts: {**facts, "failure": {**facts["failure"], "stands": {"nova": 3}}}, "cannot be read"),
        (lambda facts: {**facts, "failure": {**facts["failure"], "more": 1}}, "cannot be read"),
        (lambda facts: [1], "cannot be read"),
    ],
)
def test_facts_that_are_not_ours(archive, tmp_path, change, said):
    def changed(members):
        return [(m, json.dumps(change(json.loads(c))).encode() if m.name == FACTS else c) for m, c in members]

    rewritten(archive, changed)
    assert said in refused(archive, tmp_path)[0]


def test_a_site_is_written_as_it_is_read(tmp_path):
    for site in (
        dataclasses.replace(SITE, migrations=(("nova", str(tmp_path)),)),
        Site(),
        Site(hosts="fqdn", core_plugin='a"b\\c', tunnel_type="none"),
    ):
        (tmp_path / "site.toml").write_text(site_text(site))
        assert read_site(tmp_path / "site.toml") == site
    assert site_text(Site()) == ""
