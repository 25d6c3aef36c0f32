"""Scenarios that users wrote for an earlier version go on working, with one warning that says what to change."""

import pytest

from osupgrade.scenarios import Blocks, Silent
from osupgrade.scenarios.loading import load_scenarios

FORMER = '''"""One."""

from collections.abc import Iterator

from osupgrade.cloud import Cloud
from osupgrade.model import Evidence, Finding
from osupgrade.scenario import Blocks, Scenario, Silent
from osupgrade.scenariolib import rows_finding

scenario = Scenario(title="t", services=("nova",), symptom={symptom}{path})


@scenario.inject()
def plant(cloud: Cloud) -> None:
    cloud.execute("nova", "DELETE FROM x")


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    yield from rows_finding(
        scenario, cloud, place="nova.services", columns="what value", query="SELECT 1, 2", message="{{n}} rows",
        consequence="see README.md", cure="none here", statements=("DELETE FROM y",),
    )


@scenario.probe()
def damage(cloud: Cloud) -> Evidence:
    return Evidence.of(("what", "value"), cloud.rows("nova", "SELECT 1, 2"))
'''


class Cloud:
    """A cloud that has every table, and the same row for every query."""

    def has(self, _database):
        return True

    def tables(self, _database):
        return {"services"}

    def rows(self, _database, _sql, *_parameters):
        return [("a", 1)]


def load(tmp_path, symptom, path=""):
    directory = tmp_path / "mine"
    directory.mkdir(parents=True)
    (directory / "scenario.py").write_text(FORMER.format(symptom=symptom, path=path))
    found = load_scenarios([tmp_path])
    assert found.broken == ()
    return found.scenarios["mine"]


def test_it_loads_with_one_warning(tmp_path, caplog):
    scenario = load(tmp_path, 'Blocks("icehouse/nova", error="1062")')
    assert scenario.symptom == Blocks("icehouse/nova", error="1062")
    assert scenario.hops == ("icehouse/nova",)
    load_scenarios([tmp_path])
    (warning,) = caplog.records
    assert "from osupgrade.scenarios import Blocks, Cloud, Evidence, Finding, Scenario, Silent" in warning.getMessage()


@pytest.mark.parametrize(
    ("path", "hops"),
    [
        ("", ("havana/nova", "icehouse/nova")),
        (', path="caracal-gazpacho"', ("epoxy/nova", "gazpacho/nova")),
    ],
)
def test_one_that_shows_at_the_end_has_the_hops_of_its_services_on_its_path(tmp_path, path, hops):
    scenario = load(tmp_path, 'Silent("verify")', path)
    assert scenario.symptom == Silent("verify")
    assert scenario.hops == hops


def test_its_findings_are_those_of_today(tmp_path):
    scenario = load(tmp_path, 'Silent("verify")')
    ((_, find),) = scenario.preflights
    (said,) = find(Cloud())
    assert (said.source, said.service, said.place, said.message) == ("mine", "nova", "nova.services", "1 rows")
    assert (said.evidence.columns, said.evidence.rows) == (("what", "value"), (("a", "1"),))
    assert "--cure mine" in said.command
    ((_, probe),) = scenario.probes
    assert probe(Cloud()).total == 1


def test_a_path_that_does_not_exist_is_named(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scenario.py").write_text(FORMER.format(symptom='Silent("verify")', path=', path="no-such"'))
    (broken,) = load_scenarios([tmp_path]).broken
    assert "no-such" in broken.reason


def test_a_scenario_of_today_is_left_as_it_is(tmp_path, caplog):
    (tmp_path / "mine").mkdir()
    text = 'from osupgrade.scenarios import Scenario, Silent\nscenario = Scenario(title="t", services=("nova",), symptom=Silent("verify"))\n'
    (tmp_path / "mine" / "scenario.py").write_text(text)
    assert load_scenarios([tmp_path]).broken
    assert not caplog.records
