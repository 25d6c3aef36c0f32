import subprocess
from pathlib import Path

import pytest

from osupgrade.lab.sources import Sources, entry_points
from osupgrade.model.errors import MissingFault, UsageFault
from osupgrade.model.release import Database, Pin, Release, ServiceRelease

SETUP = """[metadata]
name = thing
[entry_points]
console_scripts =
    thing-manage = thing.cli:main
thing.drivers =
    a = thing.a:A
    b = thing.b:B
"""


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def upstream(tmp_path):
    repository = tmp_path / "mirrors" / "thing"
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet")
    (repository / "setup.cfg").write_text(SETUP)
    (repository / "thing.py").write_text("x = 1\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "one")
    git(repository, "tag", "1.0")
    return repository


def sources(tmp_path: Path, commit: str) -> tuple[Sources, ServiceRelease]:
    database = Database("thing", "migrate_version", ("1",))
    part = ServiceRelease("thing", "first", (database,), (), {}, pin=Pin("1.0", commit))
    release = Release("first", "1.0", "python27", {"thing": part}, {}, (), "")
    return Sources({"first": release}, tmp_path / "cache"), part


def test_import_then_unpack_once_read_only_with_entry_points(tmp_path, upstream):
    cache, part = sources(tmp_path, git(upstream, "rev-parse", "HEAD"))
    assert [s.problem for s in cache.states()] == ["no mirror in the cache"]
    cache.import_from(upstream.parent, lambda text: None)
    assert [s.problem for s in cache.states()] == [""]
    tree = cache.tree(part)
    assert tree == cache.tree(part)
    assert (tree / "thing.py").stat().st_mode & 0o222 == 0
    points = (tree / ".osupgrade" / "thing.egg-info" / "entry_points.txt").read_text()
    assert "[thing.drivers]\na = thing.a:A\nb = thing.b:B" in points


@pytest.mark.parametrize("name", ["thing.git", "openstack+thing/repo"])
def test_mirrors_may_be_named_in_other_ways(tmp_path, upstream, name):
    cache, _ = sources(tmp_path, git(upstream, "rev-parse", "HEAD"))
    (upstream.parent / name).parent.mkdir(exist_ok=True)
    upstream.rename(upstream.parent / name)
    cache.import_from(tmp_path / "mirrors", lambda text: None)
    assert [s.problem for s in cache.states()] == [""]


def test_a_tag_with_another_commit_is_refused_and_nothing_is_kept(tmp_path, upstream):
    cache, part = sources(tmp_path, "0" * 40)
    with pytest.raises(UsageFault, match="the pin says 0000"):
        cache.import_from(upstream.parent, lambda text: None)
    assert not cache.mirror("thing").exists()
    with pytest.raises(MissingFault, match="not available locally"):
        cache.tree(part)


def test_a_directory_without_the_repository_says_what_it_looked_for(tmp_path):
    cache, _ = sources(tmp_path, "0" * 40)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageFault, match=r"looked for thing, thing\.git, openstack\+thing/repo"):
        cache.import_from(tmp_path / "empty", lambda text: None)


def test_a_mirror_without_the_tag_is_refused(tmp_path, upstream):
    git(upstream, "tag", "-d", "1.0")
    cache, _ = sources(tmp_path, "0" * 40)
    with pytest.raises(UsageFault, match="does not have the pinned tags"):
        cache.import_from(upstream.parent, lambda text: None)


def test_a_setup_without_entry_points_gives_none():
    assert entry_points("[metadata]\nname = x\n") == ""
