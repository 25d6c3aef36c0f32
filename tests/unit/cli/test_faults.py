"""What the system raises is a sentence and a status; what only a mistake of our own raises is status 4."""

import errno
import os
import resource
import tempfile
from pathlib import Path

import docker.errors
import pymysql
import pytest
import sqlalchemy.exc

from osupgrade.cli import guarded, run
from osupgrade.cli.faults import known_fault
from osupgrade.dump.write import unless_it_fails
from osupgrade.model.errors import Exit, MissingFault


def raising(fault):
    def work():
        raise fault

    return work


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EMFILE, errno.ENOENT])
def test_a_system_without_room_or_rights_is_something_missing(number, capsys):
    assert guarded(raising(OSError(number, os.strerror(number), "/some/file"))) == Exit.MISSING
    said = capsys.readouterr().err
    assert "/some/file: " in said and "next:" in said and "traceback" not in said


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("The table 'ports' is full", Exit.MISSING),
        ("Got error 28 from storage engine", Exit.MISSING),
        ("Error writing file '/tmp/x' (Errcode: 28)", Exit.MISSING),
        ("Lost connection to MySQL server during query", Exit.LAB_FAULT),
    ],
)
def test_a_server_that_is_full_or_gone(text, status):
    raised = sqlalchemy.exc.OperationalError("SELECT 1", None, Exception(text))
    assert guarded(raising(raised)) == status


@pytest.mark.parametrize(("number", "said"), [(1213, "refused a statement"), (2013, "stopped answering")])
def test_a_server_that_refuses_a_statement_has_not_gone(number, said):
    """A deadlock was once called a lost connection."""
    raised = pymysql.err.OperationalError(number, "some text")
    for fault in (raised, sqlalchemy.exc.OperationalError("SELECT 1", None, raised)):
        found = known_fault(fault)
        assert found and found.status == Exit.LAB_FAULT and said in found.message


def test_an_engine_that_is_full():
    assert guarded(raising(docker.errors.APIError("no space left on device"))) == Exit.MISSING


def test_a_container_that_somebody_removed_is_named_as_that():
    gone = docker.errors.NotFound("404 Client Error: Not Found", explanation="No such container: 0123456789ab")
    found = known_fault(gone)
    assert found and found.status == 4 and "was removed while it was in use" in found.message


def test_a_mistake_of_our_own_stays_one(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert guarded(raising(KeyError("x"))) == Exit.LAB_FAULT
    told = capsys.readouterr().err
    assert "a fault of the lab itself" in told
    (kept,) = tmp_path.iterdir()
    assert str(kept) in told.replace("\n", "")
    assert "KeyError: 'x'" in kept.read_text()
    assert known_fault(KeyError("x")) is None


def test_a_fault_is_found_behind_what_it_led_to():
    try:
        try:
            raise MissingFault("no room")
        except MissingFault as fault:
            raise RuntimeError("could not write") from fault
    except RuntimeError as raised:
        found = known_fault(raised)
    assert found is not None and found.message == "no room"


@pytest.mark.parametrize("number", [errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP])
def test_a_name_that_cannot_be_is_the_users(number, capsys):
    assert guarded(raising(OSError(number, os.strerror(number), "/some/file"))) == Exit.USAGE
    assert "/some/file: " in capsys.readouterr().err
    assert known_fault(OSError(number, os.strerror(number))) is None


@pytest.mark.parametrize("out", ["/dev/null", "/etc/passwd/below", "x" * 300])
def test_an_output_directory_that_cannot_be_is_refused_before_the_work(out, capsys):
    assert run(["inspect", "/no/such/dump.sql", "--out", out]) == Exit.USAGE
    assert out in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "/dev/zero"],
        ["inspect", "/dev/urandom"],
        ["inspect", "--packages", "/dev/zero"],
        ["inspect", __file__, "--survey", "/dev/zero"],
        ["inspect", __file__, "--site", "/dev/zero"],
        ["sanitize", __file__, "--out", "/no/such/out.sql", "--key-file", "/dev/zero"],
        ["sanitize", __file__, "--out", "out.sql", "--key-file", __file__, "--policy", "/dev/zero"],
        ["rehearse", "--cloud", "/dev/zero"],
        ["rehearse", "--estimate", "--factor-file", "/dev/zero"],
        ["reproduce", "/dev/zero"],
        ["report", "/dev/zero"],
    ],
    ids=" ".join,
)
def test_a_file_without_an_end_is_refused_and_takes_no_memory(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_AS)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + (1 << 30), before[1]))
    try:
        assert run(arguments) == Exit.USAGE
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert "/dev/" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["inspect", __file__, "--out", "/proc/no/where"], Exit.MISSING),
        (["scenarios", "new", "mine", "--into", "/proc/no/where"], Exit.MISSING),
        (["sanitize", __file__, "--out", "/proc/nowhere.sql", "--key-file", "key"], Exit.USAGE),
    ],
)
def test_where_nothing_can_be_written_is_said_before_the_work(arguments, status, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("key").write_text("Tm8gc2VjcmV0LCBidXQgbG9uZyBlbm91Z2ggZm9yIG9uZQ==")
    assert run(arguments) == status
    said = capsys.readouterr().err
    assert "cannot " in said and "/proc" in said and "No such file" in said
    assert "any more" not in said


def test_a_file_that_breaks_while_it_is_read_is_the_users(capsys):
    """An input/output error, as a failing disk or a lost file server gives it."""
    assert run(["inspect", "/proc/self/mem"]) == Exit.USAGE
    assert "cannot read /proc/self/mem" in capsys.readouterr().err


def test_a_directory_that_was_made_for_nothing_goes_again(tmp_path):
    assert run(["inspect", "/no/such/dump.sql", "--out", str(tmp_path / "new")]) == Exit.USAGE
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    assert run(["inspect", "/no/such/dump.sql", "--out", str(tmp_path / "old")]) == Exit.USAGE
    assert (tmp_path / "old").is_dir()


def test_what_sanitize_wrote_goes_again_where_it_is_interrupted_afterwards(tmp_path):
    """The lab is still to be removed then, and the status says that nothing was left."""
    (tmp_path / "clean.sql").touch()
    with pytest.raises(KeyboardInterrupt), unless_it_fails() as written:
        written.append(tmp_path / "clean.sql")
        raise KeyboardInterrupt
    assert not (tmp_path / "clean.sql").exists()
