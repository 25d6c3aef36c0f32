"""The scenario directory that shrinking writes: it loads, says what it was told, and finds its rows by their values."""

import dataclasses
import datetime
import decimal
from types import SimpleNamespace

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.catalog.site import Site
from osupgrade.cloud.route import find_step
from osupgrade.dump.shrink import Table
from osupgrade.model.errors import UsageFault
from osupgrade.model.failure import failure_of
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.stage import Stage
from osupgrade.model.step import Diagnosis, Outcome, StepResult
from osupgrade.reproduce.scenario_writer import Left, _condition, _insert, check_directory, write_scenario
from osupgrade.reproduce.trials import next_revision, tables_in
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import reproduced
from osupgrade.scenarios.loading import load_scenarios

ERROR = (
    "OperationalError: (OperationalError) (1060, \"Duplicate column name 'disabled_reason'\") "
    "'\\nALTER TABLE services ADD disabled_reason VARCHAR(255)' ()"
)
RESULT = StepResult(
    "havana/nova",
    "nova",
    "havana",
    Outcome.FAILED,
    1.0,
    1,
    versions_after={"nova": ("187",)},
    diagnosis=Diagnosis(ERROR, None, "188_add_reason_column_to_service"),
)
LEFT = Left(
    stands={"nova.migrate_version": ("161",)},
    missing=("nova.volumes",),
    tables={"nova.services": "0123456789abcdef"},
    rows={"nova.services": ("`id` = 1 AND `host` = 'it''s \\\\ \"x\"'",)},
    inserts=("INSERT INTO services (id, host) VALUES (1, 'it''s');",),
    named={"nova.services": 1, "nova.migrate_version": 1, "nova.instances": 0},
)


def nova():
    releases = load_releases()
    return find_step(make_plan(find_path(load_paths(), releases, "grizzly-icehouse"), releases), "havana/nova")


def written(directory, **changes):
    directory.mkdir(parents=True)
    facts = {
        "into": directory.parent,
        "step": nova(),
        "site": Site(),
        "failure": failure_of(RESULT, ["nova"]),
        "result": RESULT,
        "left": LEFT,
        "complete": True,
        "masked": True,
        "found_by": ("own-backported-column: A back-ported column stops nova's 188",),
    }
    write_scenario(directory, **(facts | changes))
    return load_scenarios([directory.parent])


def test_it_loads_and_states_the_symptom(tmp_path):
    found = written(tmp_path / "mine" / "our-trap")
    assert found.broken == ()
    scenario = found.scenarios["our-trap"]
    assert isinstance(scenario.symptom, Blocks)
    assert (scenario.symptom.step, scenario.symptom.version) == ("havana/nova", "187")
    assert (scenario.services, scenario.hops, scenario.replaces, scenario.site) == (
        ("nova",),
        ("havana/nova",),
        True,
        {},
    )
    assert [stage for stage, _ in scenario.injections] == [Stage.before("havana/nova")]
    readme = (scenario.directory / "README.md").read_text()
    assert "2 rows in nova.services, nova.migrate_version, 3 tables in all" in readme
    assert "188_add_reason_column_to_service" in readme and LEFT.inserts[0] in readme
    assert "own-backported-column" in readme and "nova.volumes were missing" in readme
    prose = [line for line in readme.splitlines() if line[:4] != "    " and "--scenarios" not in line]
    assert max(map(len, prose)) <= 120


def test_its_site_is_what_differs_from_the_usual(tmp_path):
    site = Site(plugin="linuxbridge", service_plugins=("router", "lbaas"), migrations=(("nova", "/own"),))
    scenario = written(tmp_path / "mine" / "our-trap", site=site, complete=False).scenarios["our-trap"]
    assert scenario.site == {"plugin": "linuxbridge", "service_plugins": ["router", "lbaas"]}
    readme = (scenario.directory / "README.md").read_text()
    assert 'plugin = "linuxbridge"' in readme and "when time ran out" in readme.replace("\n", " ")


def test_a_row_is_found_again_by_every_value_that_can_be_compared():
    columns = ["a", "b", "c", "d", "e", "f`"]
    row = [None, "it's \\", decimal.Decimal("1.50"), datetime.datetime(2013, 5, 1, 2, 3, 4), 0.1, b"\x00\xff"]
    assert _condition(columns, row) == (
        "`a` IS NULL AND `b` = _utf8mb4 X'69742773205c' AND `c` = 1.50 AND `d` = '2013-05-01 02:03:04' AND `f``` = X'00ff'"
    )
    assert "SHA2(CONVERT(`a` USING utf8mb4), 256) = '" in _condition(["a"], ["x" * 61])
    assert "SHA2(`a`, 256) = '" in _condition(["a"], [b"x" * 61])
    assert _condition(["a"], [0.5]) == "1"
    assert _insert("nova.x", ["a", "b"], [None, "y\nz"]) == "INSERT INTO `x` (`b`) VALUES (_utf8mb4 X'790a7a');"


@pytest.mark.parametrize("name", ["Trap", "my trap", "1trap", ".."])
def test_a_directory_whose_name_is_none_for_a_scenario(tmp_path, name):
    with pytest.raises(UsageFault, match="not a valid name for a scenario"):
        check_directory(tmp_path / name)


def test_the_tool_is_told_to_stop_at_the_revision_that_fails():
    failure, step = failure_of(RESULT, ["nova"]), nova()
    assert next_revision(step, failure, Site()) == "188"
    assert next_revision(step, dataclasses.replace(failure, stands={"nova": ("216",)}), Site()) == ""
    assert next_revision(step, dataclasses.replace(failure, stands={"nova": ()}), Site()) == ""
    assert next_revision(step, dataclasses.replace(failure, kind=""), Site()) == ""


def test_tables_that_an_error_names():
    tables = [Table("nova.services", 1), Table("nova.service", 1), Table("nova.instances", 1)]
    assert tables_in(ERROR, tables) == {"nova.services"}


@pytest.mark.parametrize("plugins", [["router", "lbaas"], ("router", "lbaas")])
def test_a_written_preflight_knows_its_site_whether_read_or_stated(plugins):
    stated = {"service_plugins": ["router", "lbaas"]}
    scenario = Scenario("t", ("neutron",), Blocks("havana/neutron", error="x"), site=stated, name="mine")
    cloud = SimpleNamespace(
        has=lambda _name: True,
        site=dataclasses.replace(Site(), service_plugins=plugins),
        versions=lambda _database, _table: ("grizzly",),
    )
    (finding,) = reproduced(scenario, cloud, stands={"neutron.alembic_version": ["grizzly"]})
    assert finding.source == "mine"
    cloud.site = Site()
    assert not list(reproduced(scenario, cloud, stands={"neutron.alembic_version": ["grizzly"]}))
