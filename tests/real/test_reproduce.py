"""A failing step packed, replayed and shrunk with the real tools: it fails again in the same way, and a few rows do."""

import dataclasses

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.cloud.laboratory import restore_lane
from osupgrade.cloud.route import find_step
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import Exit
from osupgrade.model.events import EventLog
from osupgrade.model.failure import failure_of
from osupgrade.model.plan import make_plan
from osupgrade.model.step import Outcome
from osupgrade.rehearsal.cures import cure_none
from osupgrade.rehearsal.runner import Runner
from osupgrade.reproduce import shrinking
from osupgrade.reproduce.archive import unpack
from osupgrade.reproduce.packing import pack_subject, replay, unlike
from osupgrade.reproduce.rerun import NotAgain, run_step
from osupgrade.reproduce.shrinking import shrink_subject
from osupgrade.reproduce.subject import Masking, Subject
from osupgrade.scenarios.loading import load_scenarios

PATH = "grizzly-icehouse"
STEP = "icehouse/keystone"
KNOWN = load_scenarios([root() / "scenarios"])


def led_there(laboratory, tmp_path, scenario):
    """The subject as `osupgrade reproduce RUN` has it: a keystone cloud with the trap, where Icehouse's hop begins."""
    plan = make_plan(load_paths()[PATH], load_releases(), ["keystone"])
    databases = restore_lane(laboratory, {"keystone": "keystone"}, "")
    run = RunDirectory.make(tmp_path / "runs", "leading-there")
    with EventLog(None) as events:
        runner = Runner(
            plan=plan,
            run=run,
            events=events,
            injected=KNOWN.chosen([scenario]),
            may_cure=cure_none,
            until=STEP,
        )
        ran = runner.go(laboratory.cloud(Site(), "repro", databases))
        assert [step.step for step in ran.result.steps] == ["havana/keystone"]
    step = find_step(plan, STEP)
    # As the run itself saw it, on a copy, since the step changes what it stops at.
    laboratory.server.save(["keystone"], "repro")
    laboratory.server.load("repro", {"keystone": "repro_run"})
    once = laboratory.cloud(Site(), "reprorun", {"keystone": "repro_run"})
    result = run_step(once, plan, step, tmp_path / "log", tmp_path / "config", None)
    assert result.outcome is Outcome.FAILED
    laboratory.server.drop("repro_run")
    return Subject(plan, step, ran.cloud, failure_of(result, ["repro_run"]), "the seeded cloud")


@pytest.fixture
def _tidy(laboratory):
    before = set(laboratory.server.databases())
    yield
    for name in set(laboratory.server.databases()) - before | {"keystone"}:
        laboratory.server.drop(name)


def test_a_packed_run_fails_again_and_says_what_is_otherwise(laboratory, tmp_path, _tidy):
    subject = led_there(laboratory, tmp_path, "keystone-duplicate-role")
    archive = tmp_path / "a.tar.gz"
    expected = pack_subject(laboratory, subject, archive, Masking.random(), print)
    assert expected.alike(subject.failure)
    (tmp_path / "into").mkdir()
    packed = unpack(archive, tmp_path / "into")
    assert "trap-role" not in packed.dump.read_text() and "trap-role" not in packed.log
    assert unlike(packed, subject.step, laboratory.database) == ()
    run = RunDirectory.make(tmp_path / "runs", "reproduce")
    result = replay(laboratory, packed, subject.plan, subject.step, None, run)
    assert failure_of(result, ["keystone"]) == expected == packed.facts.failure
    assert "1062" in run.log(STEP).read_text()
    facts = dataclasses.replace(packed.facts, images={"icehouse": "osupgrade/icehouse:0"}, commits={STEP: "0"})
    others = unlike(dataclasses.replace(packed, facts=facts), subject.step, "mariadb105")
    assert [other.partition(" ")[2].split(" ")[0] for other in others] == ["database", "image", "code"]


def test_what_does_not_fail_in_the_same_way_is_not_packed(laboratory, tmp_path, _tidy):
    subject = led_there(laboratory, tmp_path, "keystone-duplicate-role")
    wanted = dataclasses.replace(subject.failure, number=1452)
    with pytest.raises(NotAgain, match="fails differently") as caught:
        pack_subject(laboratory, dataclasses.replace(subject, failure=wanted), tmp_path / "a.tar.gz", None, print)
    assert caught.value.status == Exit.DID_NOT
    assert "expected" in caught.value.evidence and "got" in caught.value.evidence
    assert not (tmp_path / "a.tar.gz").exists()


def test_shrunk_to_the_rows_it_takes_and_written_as_a_scenario_that_bites(laboratory, tmp_path, _tidy, monkeypatch):
    monkeypatch.setattr(shrinking, "TABLES_SECONDS", 3.0)
    subject = led_there(laboratory, tmp_path, "keystone-duplicate-role")
    known = tuple(KNOWN.scenarios.values())
    done = shrink_subject(laboratory, subject, tmp_path / "mine" / "our-trap", Masking.random(), 5, known, print)
    assert done.problems == ()
    assert done.shrunk.complete
    assert {name: rows for name, rows in done.left.named.items() if rows} == {
        "keystone.migrate_version": 1,
        "keystone.role": 1,
        "keystone.user_project_metadata": 1,
    }
    assert len(done.left.named) < 18
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["our-trap"]
    assert sorted(path.name for path in done.directory.iterdir()) == ["README.md", "cloud.sql", "scenario.py"]
    assert "trap-role" not in "".join(path.read_text() for path in done.directory.iterdir())
