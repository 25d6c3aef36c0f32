import dataclasses
import json
import subprocess
import sys

import pytest

from osupgrade.cli import run
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.host import Host
from osupgrade.rehearsal.estimate.host import SCRIPT, read_host, slower

HERE = Host("lab", 2, 8 << 30, 100 << 30, 10.0, 0.5, 200.0, 400.0)


def test_what_the_script_prints_is_read(tmp_path):
    """The very script an operator runs."""
    short = ["--megabytes", "4", "--seconds", "0.2"]
    command = [sys.executable, str(SCRIPT), "--dir", str(tmp_path), *short]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (tmp_path / "host.json").write_text(done.stdout)
    host = read_host(tmp_path / "host.json")
    assert host.cpu_mb_s > 0 and host.fsync_ms > 0 and host.write_mb_s > 0
    assert [path.name for path in tmp_path.iterdir()] == ["host.json"]


@pytest.mark.parametrize(
    "arguments", [["--dir", "/no/such/directory"], ["nonsense"], ["--dir", "/tmp", "--seconds", "0"]]
)
def test_the_script_refuses_what_it_cannot_do(arguments):
    done = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "error:" in done.stderr and done.stdout == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not valid JSON"),
        ("[]", "is not a measurement of a host"),
        ('{"format": 2}', "is not a measurement of a host"),
        (json.dumps({**dataclasses.asdict(HERE), "format": 1, "fsync_ms": 0}), "fsync_ms must be a number above 0"),
        (json.dumps({**dataclasses.asdict(HERE), "format": 1, "cpu_mb_s": "fast"}), "cpu_mb_s must be a number"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(text, said, tmp_path):
    path = tmp_path / "host.json"
    path.write_text(text)
    with pytest.raises(UsageFault, match=said):
        read_host(path)
    with pytest.raises(UsageFault, match="cannot read"):
        read_host(tmp_path / "missing.json")


def test_the_same_host_takes_the_same_time():
    assert slower(HERE, HERE, 0.3).expected == pytest.approx(1.0)


def test_a_slower_disk_counts_for_what_waits_for_it():
    slow = dataclasses.replace(HERE, fsync_ms=5.0, write_mb_s=100.0)
    found = slower(HERE, slow, 0.5)
    assert (found.low, found.high) == (pytest.approx(0.5 + 0.5 * 2), pytest.approx(0.5 + 0.5 * 10))
    assert found.low < found.expected < found.high
    assert slower(HERE, slow, 1.0).high == 1.0


def test_a_faster_processor_counts_for_what_computes():
    fast = dataclasses.replace(HERE, cpu_mb_s=20.0)
    assert slower(HERE, fast, 1.0).expected == pytest.approx(0.5)
    assert slower(HERE, fast, 0.0).expected == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--factor-file", "host.json"], "--factor-file needs --estimate"),
        (["--estimate", "--factor-file", "/no/such/host.json"], 'cannot read "/no/such/host.json"'),
        (["--estimate", "--keep"], "nothing to --keep"),
        (["--estimate", "--strategy", "new-controller"], "--estimate times an upgrade in place"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_starts(arguments, said, tmp_path, capsys):
    assert run(["rehearse", "--out", str(tmp_path / "runs"), *arguments]) == Exit.USAGE
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "runs").exists()
