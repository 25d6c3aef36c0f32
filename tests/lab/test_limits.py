"""What a cloud or a scenario would have the lab wait for without end: it is given up, with a sentence."""

import dataclasses

import pytest

from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.dump.limits import VARIABLE
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.model.finding import Cure, Finding, Severity, Sql
from osupgrade.model.stage import SEEDED
from osupgrade.rehearsal.asking import ask
from osupgrade.rehearsal.cures import Cures, cure_all
from osupgrade.scenarios.contract import Scenario, ScenarioFault, Silent, call

SLEEPS = "SELECT SLEEP(100000)"


@pytest.fixture(scope="module")
def cloud(client):
    image = ImageStore(client).ensure(["mysql56"], lambda _progress: None)["mysql56"]
    with Lab(client) as lab, start_database(lab, image) as server:
        server.create("nova")
        server.execute("nova", "CREATE VIEW services AS SELECT SLEEP(100000) AS host")
        yield Cloud(server, {"nova": "nova"}, Site(), "main")


@pytest.fixture(autouse=True)
def _limits(monkeypatch):
    monkeypatch.setenv(VARIABLE, "look=1 change=2")


@pytest.fixture
def scenario():
    return Scenario(title="x", services=("nova",), symptom=Silent("verify"), name="mine")


def sleeping(cloud):
    """The statements on the server that sleep."""
    return cloud.server.rows("", "SELECT ID FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'")


@pytest.mark.parametrize("sql", [SLEEPS, "SELECT host FROM services", "SELECT BENCHMARK(1000000000000, SHA1('a'))"])
def test_a_preflight_whose_sql_never_ends_is_a_warning_and_leaves_nothing(cloud, scenario, sql):
    (found,) = ask(scenario, lambda cloud: cloud.rows("nova", sql), cloud)
    assert found.severity is Severity.WARNING
    assert found.message == "the preflight mine could not run: it had not ended after 1 s"
    assert f"{VARIABLE}=look=10" in found.consequence
    assert not sleeping(cloud)
    assert cloud.value("nova", "SELECT 1") == 1


def test_a_probe_that_asks_again_and_again_is_the_scenarios_fault(cloud, scenario):
    def probe(cloud):
        while True:
            try:
                cloud.rows("nova", SLEEPS)
            except Exception:
                continue

    with pytest.raises(ScenarioFault, match="mine was stopped: it had not ended after 1 s"):
        call(scenario, probe, cloud, seconds=1)
    assert not sleeping(cloud)


def test_a_cure_that_never_ends_is_refused(cloud, scenario):
    cure = Cure("sleep", (Sql("nova", SLEEPS),))
    finding = Finding("mine", Severity.ERROR, "nova", "nova", "x", "y", cure=cure)
    scenario = dataclasses.replace(scenario)
    with pytest.raises(ScenarioFault, match="had not ended after 2 s") as caught:
        Cures(cure_all, None, None).apply(cloud, SEEDED, scenario, [finding])
    assert f"{VARIABLE}=change=20" in caught.value.hint
    assert not sleeping(cloud)


def test_events_of_a_dump_do_not_run(client):
    """MySQL 8 and later run them by default."""
    image = ImageStore(client).ensure(["mysql97"], lambda _progress: None)["mysql97"]
    with Lab(client) as lab, start_database(lab, image) as server:
        assert server.rows("", "SELECT @@event_scheduler") == [("OFF",)]
