"""The directory of a run."""

import errno
import os
import shutil
from types import SimpleNamespace

import pytest

from osupgrade.history.rundir import RunDirectory


@pytest.mark.parametrize(("free", "told"), [(4096, True), (1 << 30, False)])
def test_a_full_disk_is_told_with_its_place_if_it_is_this_one(tmp_path, monkeypatch, free, told):
    run = RunDirectory.make(tmp_path, "path")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    with pytest.raises(OSError, match="No space left") as caught, run.marked_when_stopped("a rehearsal"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == (str(run.path) if told else None)


@pytest.mark.parametrize(
    "write",
    [
        lambda run: run.schema("seeded", "nova"),
        lambda run: run.config("havana/nova"),
        lambda run: run.lane("naive"),
        lambda run: run.part("grizzly-icehouse"),
        lambda run: run.log("havana/nova").open("ab"),
    ],
)
def test_a_directory_that_was_taken_away_does_not_come_back_as_one_that_looks_complete(tmp_path, write):
    run = RunDirectory.make(tmp_path, "path")
    shutil.rmtree(run.path)
    with pytest.raises(FileNotFoundError) as caught:
        write(run)
    assert str(run.path) in caught.value.filename
    assert not run.path.exists()
