"""`osupgrade reproduce` before any container starts: what it refuses, and how it reads a run's own command."""

import dataclasses
import hashlib
import shlex

import pytest

from osupgrade.catalog.site import Site
from osupgrade.cli import run as command
from osupgrade.cli.reproduce import request_of
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import Exit, MissingFault, UsageFault
from osupgrade.report import write_reports
from osupgrade.reproduce.rerun import find_step, read_failed, same_dumps

from .. import _reports as samples

DUMP = """-- MySQL dump 10.13
/*!40101 SET NAMES utf8 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
CREATE TABLE `networks` (`id` int);
CREATE TABLE `ports` (`id` int);
CREATE TABLE `subnets` (`id` int);
-- Dump completed
"""


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def made(report, parent):
    run = RunDirectory.make(parent, "grizzly-icehouse")
    write_reports(report, run)
    run.finish()
    return run


def refused(arguments, capsys):
    status = command(["reproduce", *arguments])
    said = capsys.readouterr().err
    assert said.count("osupgrade:") == 1
    return status, said


def test_a_run_that_is_not_there(capsys):
    assert refused(["nope"], capsys)[0] == Exit.USAGE


def test_a_run_that_came_through(tmp_path, capsys):
    status, said = refused([str(made(samples.GREEN, tmp_path).path)], capsys)
    assert (status, "nothing to reproduce" in said) == (Exit.USAGE, True)


def test_a_run_that_is_no_rehearsal(tmp_path, capsys):
    status, said = refused([str(made(samples.scenarios(2), tmp_path).path)], capsys)
    assert (status, "is no rehearsal but scenarios" in said) == (Exit.USAGE, True)


def test_a_run_whose_errors_stand_but_no_step_failed(tmp_path, capsys):
    result = dataclasses.replace(samples.FAILED.result, steps=samples.GREEN.result.steps)
    run = made(dataclasses.replace(samples.FAILED, result=result), tmp_path)
    assert "has no step that failed" in refused([str(run.path)], capsys)[1]


def test_another_step_than_one_that_failed(tmp_path, capsys):
    run = made(samples.FAILED, tmp_path)
    status, said = refused([str(run.path), "--step", "icehouse/glance"], capsys)
    assert (status, "what failed there: havana/nova" in said) == (Exit.USAGE, True)


def test_an_output_that_is_there(tmp_path, capsys):
    run = made(samples.FAILED, tmp_path)
    (tmp_path / "a.tar.gz").write_text("mine")
    (tmp_path / "trap").mkdir()
    assert refused([str(run.path), "-o", "a.tar.gz"], capsys)[0] == Exit.USAGE
    assert refused([str(run.path), "--shrink", "-o", "trap"], capsys)[0] == Exit.USAGE
    assert refused([str(run.path), "--shrink", "-o", "No Name"], capsys)[0] == Exit.USAGE
    assert (tmp_path / "a.tar.gz").read_text() == "mine"


def test_an_archive_that_is_none(tmp_path, capsys):
    (tmp_path / "a.tar.gz").write_bytes(b"\x1f\x8b\x08 but no more")
    assert refused(["a.tar.gz"], capsys)[0] == Exit.USAGE
    assert refused(["a.tar.gz", "--shrink"], capsys)[0] == Exit.USAGE
    assert "replayed as it is" in refused(["a.tar.gz", "-o", "x"], capsys)[1]


def test_a_key_that_is_missing_or_not_wanted(tmp_path, capsys):
    run = made(samples.FAILED, tmp_path)
    assert refused([str(run.path), "--key-file", "nokey"], capsys)[0] == Exit.USAGE
    assert "hides nothing" in refused([str(run.path), "--key-file", "nokey", "--unmasked"], capsys)[1]


def failed_run(tmp_path, words, **manifest):
    recorded = dataclasses.replace(
        samples.MANIFEST, command=f"osupgrade {shlex.join(words)}", directory=str(tmp_path), **manifest
    )
    return read_failed(made(dataclasses.replace(samples.FAILED, manifest=recorded), tmp_path / "runs"))


def test_the_run_s_own_command_says_what_its_cloud_was(tmp_path):
    words = ["rehearse", "--scenario", "own-backported-column", "--cure", "nova-null-uuid", "--scale", "30"]
    request = request_of(failed_run(tmp_path, [*words, "--out", "x"], cloud="1234"), ())
    assert [scenario.name for scenario in request.injected] == ["own-backported-column"]
    assert (request.factor, request.naive, request.database, request.dumps) == (30, False, "mysql56", ())
    assert (request.may_cure("nova-null-uuid"), request.may_cure("nova-null-vcpus")) == (True, False)
    assert request.plan.services == samples.SERVICES
    for word in ("--naive", "--no-cure"):
        assert request_of(failed_run(tmp_path, ["rehearse", word]), ()).naive
    bare = request_of(failed_run(tmp_path, ["rehearse", "--cure"]), ())
    assert bare.may_cure("anything")


def test_the_site_is_the_manifest_s(tmp_path):
    site = Site(plugin="linuxbridge", migrations=(("nova", "/own"),))
    recorded = {**dataclasses.asdict(site), "migrations": [["nova", "/own"]], "service_plugins": ["router"]}
    recorded = {key: list(value) if isinstance(value, tuple) else value for key, value in recorded.items()}
    assert request_of(failed_run(tmp_path, ["rehearse", "--site", "gone.toml"], site=recorded), ()).site == site


def test_a_command_of_another_osupgrade(tmp_path):
    with pytest.raises(UsageFault, match="none of this osupgrade"):
        request_of(failed_run(tmp_path, ["rehearse", "--what-is-this"]), ())
    with pytest.raises(UsageFault, match="not made by `osupgrade rehearse`"):
        request_of(failed_run(tmp_path, ["nightly"]), ())


def test_the_run_s_dump_must_still_be_the_same(tmp_path):
    (tmp_path / "a.sql").write_text(DUMP)
    digest = hashlib.sha256(DUMP.encode()).hexdigest()
    run = failed_run(tmp_path, ["rehearse", "--dump", "a.sql"], cloud=f"a.sql sha256:{digest}")
    (tmp_path / "elsewhere").mkdir()
    assert [dump.sha256 for dump in request_of(run, ()).dumps] == [digest]
    (tmp_path / "a.sql").rename(tmp_path / "elsewhere" / "b.sql")
    with pytest.raises(MissingFault, match="no longer there"):
        request_of(run, ())
    assert [dump.sha256 for dump in request_of(run, [tmp_path / "elsewhere" / "b.sql"]).dumps] == [digest]
    (tmp_path / "a.sql").write_text(DUMP.replace("`id` int", "`id` bigint"))
    with pytest.raises(MissingFault, match="another dump than the run was made with"):
        request_of(run, ())
    with pytest.raises(MissingFault, match="not all dumps"):
        same_dumps(f"a sha256:{digest}, b sha256:{'0' * 64}", [tmp_path / "elsewhere" / "b.sql"])


def test_a_step_by_its_name(tmp_path):
    plan = request_of(failed_run(tmp_path, ["rehearse"]), ()).plan
    hop, finish = find_step(plan, "havana/nova"), find_step(plan, "ml2")
    assert (hop.service, hop.source.name, hop.release.name, hop.databases) == ("nova", "grizzly", "havana", ("nova",))
    assert (finish.service, finish.source, finish.databases) == ("neutron", None, ("neutron",))
    assert finish.version_tables == {"neutron": "alembic_version"}
    with pytest.raises(UsageFault, match="has no step 'juno/nova'"):
        find_step(plan, "juno/nova")
