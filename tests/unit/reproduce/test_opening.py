"""What a failed run's manifest says is read again, and must still be the same."""

import dataclasses
import hashlib
from pathlib import Path

import pytest

from osupgrade.catalog.site import Site
from osupgrade.cloud.route import find_step
from osupgrade.model.errors import MissingFault, UsageFault
from osupgrade.rehearsal.request import Request
from osupgrade.reproduce.opening import task_of
from osupgrade.reproduce.rerun import read_failed, require_same
from osupgrade.seed.description import load_description

from .. import _reports as samples
from ._runs import made

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


def failed_run(tmp_path, request, **manifest):
    recorded = dataclasses.replace(samples.MANIFEST, request=request.data(), directory=str(tmp_path), **manifest)
    return read_failed(made(dataclasses.replace(samples.FAILED, manifest=recorded), tmp_path / "runs"))


def test_what_a_run_was_asked_is_read_from_its_manifest(tmp_path):
    asked = Request(
        path="grizzly-icehouse", scenarios=("own-backported-column",), cures=("nova-null-uuid",), scale=30, times=3
    )
    task = task_of(failed_run(tmp_path, asked, cloud="1234"), ())
    assert [scenario.name for scenario in task.injected] == ["own-backported-column"]
    assert (task.request.factor, task.request.naive, task.request.database, task.dumps) == (30, False, "mysql56", ())
    assert (task.may_cure("nova-null-uuid"), task.may_cure("nova-null-vcpus")) == (True, False)
    assert task.plan.services == samples.SERVICES
    assert task.request.times == 1, "what a run measures besides is not done again"
    assert task_of(failed_run(tmp_path, Request(cures="none")), ()).request.naive
    assert task_of(failed_run(tmp_path, Request()), ()).may_cure("anything")


def test_the_site_is_the_manifest_s_and_its_file_may_be_gone(tmp_path):
    site = Site(plugin="linuxbridge", migrations=(("nova", "/own"),))
    asked = Request(site=site, files={"--site": Path("gone.toml")})
    assert task_of(failed_run(tmp_path, asked), ()).request.site == site


def test_the_description_of_a_seeded_cloud_need_not_be_a_file_any_more(tmp_path):
    described = dataclasses.replace(load_description(None), seed=77)
    asked = Request(description=described, files={"--cloud": Path("gone.toml")})
    assert task_of(failed_run(tmp_path, asked), ()).description == described


def test_a_run_without_a_request_or_with_one_of_another_osupgrade(tmp_path):
    old = failed_run(tmp_path, Request())
    without = dataclasses.replace(old, report=dataclasses.replace(old.report, manifest=samples.MANIFEST))
    with pytest.raises(UsageFault, match="holds no request"):
        task_of(without, ())
    manifest = dataclasses.replace(old.report.manifest, request={"what-is-this": 1})
    with pytest.raises(UsageFault, match="cannot be repeated with this version of osupgrade"):
        task_of(dataclasses.replace(old, report=dataclasses.replace(old.report, manifest=manifest)), ())


def test_the_run_s_dump_must_still_be_the_same(tmp_path):
    (tmp_path / "a.sql").write_text(DUMP)
    digest = hashlib.sha256(DUMP.encode()).hexdigest()
    run = failed_run(tmp_path, Request(dumps=(Path("a.sql"),)), cloud=f"a.sql sha256:{digest}")
    (tmp_path / "elsewhere").mkdir()
    assert [dump.sha256 for dump in task_of(run, ()).dumps] == [digest]
    (tmp_path / "a.sql").rename(tmp_path / "elsewhere" / "b.sql")
    with pytest.raises(MissingFault, match="no longer there"):
        task_of(run, ())
    moved = task_of(run, [tmp_path / "elsewhere" / "b.sql"]).dumps
    assert [dump.sha256 for dump in moved] == [digest]
    (tmp_path / "a.sql").write_text(DUMP.replace("`id` int", "`id` bigint"))
    with pytest.raises(MissingFault, match="differs from the dump"):
        task_of(run, ())
    with pytest.raises(MissingFault, match="not all dumps"):
        require_same(f"a sha256:{digest}, b sha256:{'0' * 64}", moved)


def test_a_step_by_its_name(tmp_path):
    plan = task_of(failed_run(tmp_path, Request()), ()).plan
    hop, finish = find_step(plan, "havana/nova"), find_step(plan, "ml2")
    assert (hop.service, hop.source.name, hop.release.name) == ("nova", "grizzly", "havana")
    assert [d.name for d in hop.databases] == ["nova"]
    assert (finish.service, finish.source) == ("neutron", None)
    assert [(d.name, d.version_table) for d in finish.databases] == [("neutron", "alembic_version")]
    with pytest.raises(UsageFault, match="has no step 'juno/nova'"):
        find_step(plan, "juno/nova")
