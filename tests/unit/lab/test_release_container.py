"""Where a tool's configuration is kept as evidence."""

from types import SimpleNamespace

import pytest

from osupgrade.catalog.releases import load_releases
from osupgrade.catalog.site import Site
from osupgrade.history.rundir import RunDirectory
from osupgrade.lab import release_container
from osupgrade.lab.release_container import ReleaseContainer, Setting


@pytest.fixture
def configure(monkeypatch):
    release = load_releases()["grizzly"]
    part = release.services["keystone"]
    container = ReleaseContainer(SimpleNamespace(), release)
    monkeypatch.setattr(release_container, "put_files", lambda *_: None)
    monkeypatch.setattr(container, "context", lambda _setting: {})
    monkeypatch.setattr(release_container, "render", lambda _text, _context: "text")
    return lambda keep: container.configure(part, Setting("main", {}, Site()), keep) and sorted(part.config)


def test_it_is_kept_where_a_run_keeps_it_and_below_its_logs(configure, tmp_path):
    run = RunDirectory.make(tmp_path, "path")
    for keep in (run.config("havana/keystone"), run.path / "logs" / "config" / "keystone"):
        names = configure(keep)
        assert names and sorted(file.name for file in keep.iterdir()) == names


def test_a_run_directory_that_was_taken_away_does_not_come_back(configure, tmp_path):
    with pytest.raises(FileNotFoundError):
        configure(tmp_path / "gone" / "config" / "keystone")
    assert not (tmp_path / "gone").exists()
