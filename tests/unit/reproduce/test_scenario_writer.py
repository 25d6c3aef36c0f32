"""The scenario directory that shrinking writes: it loads, says what it was given, and finds its rows by their values."""

import datetime
import decimal

import pytest

from osupgrade.catalog.site import Site
from osupgrade.model.errors import UsageFault
from osupgrade.model.failure import failure_of
from osupgrade.model.stage import Stage
from osupgrade.reproduce.scenario_writer import Left, _condition, _insert, check_directory, write_scenario
from osupgrade.scenarios.contract import Blocks
from osupgrade.scenarios.loading import load_scenarios

from ._failures import RESULT, nova

LEFT = Left(
    revisions={"nova.migrate_version": ("161",)},
    missing=("nova.volumes",),
    tables={"nova.services": "0123456789abcdef"},
    rows={"nova.services": ("`id` = 1 AND `host` = 'it''s \\\\ \"x\"'",)},
    inserts=("INSERT INTO services (id, host) VALUES (1, 'it''s');",),
    named={"nova.services": 1, "nova.migrate_version": 1, "nova.instances": 0},
)


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
