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
    with pytest.raises(OSError, match="No space left") as caught, run.told_when_stopped("a rehearsal"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == (str(run.path) if told else None)
