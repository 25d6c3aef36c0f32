import os
import signal
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from osupgrade.catalog.content import root
from osupgrade.catalog.releases import load_paths, load_releases, nightly_routes
from osupgrade.cli import app
from osupgrade.model import interrupt
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.stage import Stage
from osupgrade.rehearsal.lanes import judge_shown
from osupgrade.scenarios import loading
from osupgrade.scenarios.contract import Blocks, Scenario, ScenarioFault, Silent, call
from osupgrade.scenarios.loading import load_scenarios

GOOD = """
from osupgrade.scenarios.contract import Blocks, Scenario
scenario = Scenario(title="t", services=("nova",), symptom=Blocks("havana/nova", error="1060"))
@scenario.inject("before:havana/nova")
def plant(cloud): pass
@scenario.preflight()
def find(cloud): return ()
"""


def write(directory: Path, name: str, text: str) -> None:
    (directory / name).mkdir()
    (directory / name / "scenario.py").write_text(text)


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


class Odd(BaseException):
    pass


@pytest.mark.parametrize("raised", [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), Odd("boo"), ValueError("no")])
def test_whatever_a_scenarios_function_raises_is_its_own_fault(tmp_path, raised):
    write(tmp_path, "mine", GOOD)
    (scenario,) = load_scenarios([tmp_path]).chosen(["mine"])

    def function():
        raise raised

    with pytest.raises(ScenarioFault, match=type(raised).__name__):
        call(scenario, function)
    with pytest.raises(ScenarioFault, match="_exit"):
        call(scenario, lambda: os._exit(0))


def test_a_signal_is_no_fault_of_a_scenario(tmp_path):
    write(tmp_path, "mine", GOOD)
    (scenario,) = load_scenarios([tmp_path]).chosen(["mine"])
    with interrupt.at_work(), pytest.raises(KeyboardInterrupt):
        call(scenario, lambda: signal.raise_signal(signal.SIGTERM))


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


def test_the_table_of_the_readme_is_the_one_that_the_command_prints():
    text = (root() / "scenarios" / "README.md").read_text("utf-8")
    table = text.partition("<!-- table -->\n")[2].partition("\n<!-- end of table -->")[0]
    printed = CliRunner().invoke(app, ["scenarios", "list", "--markdown"])
    assert printed.exit_code == 0
    assert table == printed.output.strip(), "osupgrade scenarios list --markdown"


@pytest.mark.parametrize("scenario", load_scenarios([root() / "scenarios"]).scenarios.values(), ids=lambda s: s.name)
def test_a_scenarios_readme_says_what_why_who_and_the_cure(scenario):
    text = (scenario.directory / "README.md").read_text("utf-8")
    for part in ("**What happens.**", "**Why.**", "**Who meets it.**", "**The cure.**"):
        assert part in text
    assert any(f"**{words}" in text for words in ("In your", "How to see it", "On your"))
    assert len(text) < 3500


def test_what_the_apis_show_of_a_damage_is_that_and_nothing_else():
    symptom = Silent("after:ml2", shows=(r"\d+ ports get no answer",))
    scenario = Scenario(title="t", services=("neutron",), symptom=symptom)
    expected = Finding("verify", Severity.ERROR, "neutron", "RPC", "3 ports get no answer when asked for")
    other = Finding("verify", Severity.ERROR, "neutron", "API", "2 networks are gone")
    known = Finding("verify", Severity.INFO, "neutron", "API", "something that is meant")
    assert judge_shown(scenario, "naive", [expected, known]) == ()
    assert judge_shown(scenario, "naive", []) == ("the APIs should show /\\d+ ports get no answer/ and do not",)
    assert judge_shown(scenario, "naive", [expected, other]) == ("the APIs show: 2 networks are gone",)
    assert judge_shown(scenario, "cured", [expected]) == ("the APIs show: 3 ports get no answer when asked for",)


@pytest.mark.parametrize(("more", "kind"), [([], "scenario.toml"), (["--python"], "scenario.py")])
def test_a_new_scenario_is_a_whole_one_with_its_readme_and_its_test(tmp_path, more, kind):
    made = CliRunner().invoke(app, ["scenarios", "new", "nova-my-column", "--into", str(tmp_path), *more])
    assert made.exit_code == 0, made.output
    found = load_scenarios([tmp_path])
    assert (list(found.scenarios), found.broken) == (["nova-my-column"], ())
    written = {file.name: file.read_text() for file in (tmp_path / "nova-my-column").iterdir() if file.is_file()}
    assert {kind, "README.md", "test_scenario.py"} == set(written)
    assert not any("@NAME@" in text for text in written.values())
    compile(written["test_scenario.py"], "test_scenario.py", "exec")
