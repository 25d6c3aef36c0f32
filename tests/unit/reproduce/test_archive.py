"""Archives: out and in again, and what is refused with one sentence before anything is written."""

import dataclasses
import gzip
import io
import json
import tarfile

import pytest

from osupgrade.catalog.site import Site, read_site
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.reproduce.archive import FACTS, Facts, pack, site_text, unpack
from osupgrade.reproduce.failure import Failure

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
    assert "damaged, or no archive" in message
    assert left == []


def test_bytes_that_are_no_archive(tmp_path):
    for content in (b"hello", gzip.compress(b"CREATE TABLE x")):
        (tmp_path / "x").write_bytes(content)
        assert "damaged, or no archive" in refused(tmp_path / "x", tmp_path)[0]
        (tmp_path / "into").rmdir()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "logs/evil", "evil"])
def test_a_member_with_a_path_of_its_own(archive, tmp_path, name):
    rewritten(archive, lambda members: [*members, (tarfile.TarInfo(name), b"x")])
    message, left = refused(archive, tmp_path)
    assert f"it holds {name!r}" in message
    assert left == []
    assert not (tmp_path / "evil").exists()


def test_a_member_that_is_a_link(archive, tmp_path):
    link = tarfile.TarInfo("step.log")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    rewritten(archive, lambda members: [*members[:-1], (link, b"")])
    assert "which is no plain file" in refused(archive, tmp_path)[0]


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
        (lambda facts: {**facts, "format": 2}, "packed by another osupgrade"),
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
