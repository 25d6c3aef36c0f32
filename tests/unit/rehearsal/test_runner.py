import dataclasses

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.model.errors import UsageFault
from osupgrade.model.events import EventLog
from osupgrade.model.finding import Cure, Finding, Severity
from osupgrade.model.plan import make_plan
from osupgrade.model.report import State
from osupgrade.model.stage import SEEDED
from osupgrade.rehearsal.runner import Rehearsal
from osupgrade.scenarios.contract import Blocks, Scenario


@dataclasses.dataclass
class Nothing:
    """Stands for a cloud that no preflight of these tests looks at."""

    databases: tuple = ()


def rehearsal(tmp_path):
    plan = make_plan(load_paths()["grizzly-icehouse"], load_releases())
    return Rehearsal(plan=plan, cloud=Nothing(), run=None, events=EventLog(None))


@pytest.fixture
def scenario():
    made = Scenario(title="t", services=("nova",), symptom=Blocks("havana/nova", error="1060"), name="mine")

    @made.preflight("seeded")
    def find(_cloud):
        yield Finding("mine", Severity.ERROR, "nova", "nova.services", "it is there", cure=Cure("take it out"))

    return made


def test_a_cure_that_refuses_leaves_the_finding_standing_and_says_why(tmp_path, scenario):
    @scenario.cure("seeded")
    def refuse(_cloud, _findings):
        raise UsageFault("there is no dump from before", hint="bring one")

    run = rehearsal(tmp_path)
    run._look(SEEDED, scenario)
    assert [(f.state, f.finding.message, f.finding.consequence) for f in run._findings] == [
        (State.STANDING, "it is there", ""),
        (State.STANDING, "its cure is refused: there is no dump from before", "bring one"),
    ]


def test_a_cure_that_leaves_its_finding_there_has_not_cured_it(tmp_path, scenario):
    scenario.cure("seeded")(lambda _cloud, _findings: None)
    run = rehearsal(tmp_path)
    run._look(SEEDED, scenario)
    assert [f.state for f in run._findings] == [State.STANDING]
