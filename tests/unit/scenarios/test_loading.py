"""Scenarios are loaded from directories; a broken one spares the others."""

import sys
from pathlib import Path

import pytest

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_paths, load_releases, nightly_routes
from osupgrade.model.errors import UsageFault
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.stage import Stage
from osupgrade.scenarios import loading
from osupgrade.scenarios.contract import Blocks
from osupgrade.scenarios.loading import load_scenarios

from ._written import GOOD, write


def test_a_scenario_takes_its_name_from_its_directory(tmp_path):
    write(tmp_path, "mine", GOOD)
    (scenario,) = load_scenarios([tmp_path]).chosen(["mine"])
    assert scenario.name == "mine"
    assert scenario.symptom == Blocks("havana/nova", error="1060")
    assert scenario.injections[0][0] == Stage.before("havana/nova")


def test_loading_leaves_nothing_in_the_operators_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write(tmp_path, "mine", GOOD)
    assert load_scenarios([tmp_path]).scenarios.keys() == {"mine"}
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "scenario.py"]


def test_a_scenario_that_changed_is_read_again(tmp_path):
    write(tmp_path, "mine", GOOD)
    load_scenarios([tmp_path])
    (tmp_path / "mine" / "scenario.py").write_text(GOOD.replace("1060", "1061"))
    assert load_scenarios([tmp_path]).scenarios["mine"].symptom.error == "1061"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("scenario = ", 1, "SyntaxError"),
        ("\n\nimport nowhere_to_be_found\n", 3, "ModuleNotFoundError"),
        ("x = 1\n", 1, "defines no"),
        (GOOD.replace("@scenario.preflight()", ""), 1, "no preflight"),
        ("import sys\nsys.exit(7)\n", 2, "SystemExit"),
        ("import os\nos._exit(0)\n", 2, "SystemExit: os._exit(0)"),
        ("\nraise BaseException('boo')\n", 2, "BaseException: boo"),
        ("raise KeyboardInterrupt\n", 1, "KeyboardInterrupt"),
        ("while True: pass\n", 1, "it had not ended"),
        (GOOD.replace("before:havana/nova", "around:nova"), 4, "is not a stage"),
    ],
)
def test_a_broken_scenario_is_told_with_its_line_and_spares_the_others(tmp_path, text, line, reason, monkeypatch):
    monkeypatch.setattr(loading, "IMPORT_SECONDS", 1)
    write(tmp_path, "bad", text)
    write(tmp_path, "good", GOOD)
    found = load_scenarios([tmp_path])
    assert list(found.scenarios) == ["good"]
    (broken,) = found.broken
    assert broken.line == line
    assert reason in broken.reason
    with pytest.raises(UsageFault, match=r"scenario bad is broken: .*scenario\.py:"):
        found.chosen(["bad"])


def test_all_that_a_scenario_lacks_is_said_at_once(tmp_path):
    nothing = 'from osupgrade.scenarios import Scenario, Silent\nscenario = Scenario(title="t", services=("nova",), symptom=Silent("verify"))\n'
    write(tmp_path, "bare", nothing)
    (broken,) = load_scenarios([tmp_path]).broken
    for lacking in ("no preflight", "hops=(...)", "@scenario.probe"):
        assert lacking in broken.reason


@pytest.mark.parametrize(
    "line",
    [
        "from osupgrade.agents import report",
        "from osupgrade.model import NoSuchName",
        "import osupgrade.scenariolib",
        "import osupgrade.agents",
    ],
)
def test_what_is_no_longer_there_is_refused_with_what_to_write_instead(tmp_path, line):
    write(tmp_path, "former", f"{line}\n{GOOD}")
    (broken,) = load_scenarios([tmp_path]).broken
    assert broken.line == 1
    assert "`from osupgrade.scenarios import " in broken.reason


def test_a_broken_scenario_below_a_relative_directory_is_told_with_its_line_too(tmp_path, monkeypatch):
    write(tmp_path, "bad", GOOD.replace("title=", "titel="))
    monkeypatch.chdir(tmp_path)
    (broken,) = load_scenarios([Path()]).broken
    assert (broken.line, broken.reason[:9]) == (3, "TypeError")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('services = []\n[fails]\nstep = "havana/nova"\nerror = "x"\n', "services: must not be empty"),
        ('services = ["nova"]\n[fails]\nstep = "havanna/nova"\nerror = "x"\n', 'step: there is no release "havanna"'),
        ('services = ["nova"]\nhops = ["x/nova"]\n[silent]\nat = "seeded"\n', 'hops[0]: there is no release "x"'),
    ],
)
def test_a_declared_scenario_that_could_never_bite_is_refused_with_its_key(tmp_path, wrong, said):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "scenario.toml").write_text(f'title = "t"\n{wrong}')
    with pytest.raises(UsageFault) as refused:
        load_scenarios([tmp_path]).chosen(["bad"])
    assert said in refused.value.message and "list" not in refused.value.message


def test_an_unknown_scenario_names_those_there_are(tmp_path):
    write(tmp_path, "good", GOOD)
    with pytest.raises(UsageFault, match="unknown scenario 'goood'; there are: good"):
        load_scenarios([tmp_path]).chosen(["goood"])


def test_the_labs_own_scenarios_are_whole_and_hang_on_stages_of_their_paths():
    found = load_scenarios([root() / "scenarios"])
    assert not found.broken
    releases, paths = load_releases(), load_paths()
    routes = [find_path(paths, releases, name) for name in nightly_routes()]
    for scenario in found.scenarios.values():
        assert (scenario.directory / "README.md").is_file(), scenario.name
        plans = [make_plan(path, releases) for path in (*paths.values(), *routes)]
        plans = [plan for plan in plans if scenario.can_run(plan)]
        assert plans, (scenario.name, sorted(map(str, scenario.stages)))
        narrowed = make_plan(plans[0].path, releases, scenario.services)
        assert scenario.stages <= set(narrowed.stages) and scenario.applies(narrowed)


@pytest.mark.parametrize("scenario", load_scenarios([root() / "scenarios"]).scenarios.values(), ids=lambda s: s.name)
def test_a_scenarios_readme_says_what_why_who_and_the_cure(scenario):
    text = (scenario.directory / "README.md").read_text("utf-8")
    for part in ("**What happens.**", "**Why.**", "**Who meets it.**", "**The cure.**"):
        assert part in text
    assert any(f"**{words}" in text for words in ("In your", "How to see it", "On your"))
    assert len(text) < 3500
