"""What scenarios may use of the package: the one public module, and what it promises."""

import ast

import pytest

import osupgrade.scenarios as public
from osupgrade.catalog.content import root
from osupgrade.model.finding import Cure, Severity, Sql
from osupgrade.scenarios import Blocks, Scenario, finding

FILES = sorted((root() / "scenarios").glob("*/scenario.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_scenario_imports_nothing_else_of_the_package(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        assert all(name == "osupgrade.scenarios" or name.split(".")[0] != "osupgrade" for name in names), names


def test_the_public_module_has_what_it_says():
    assert all(hasattr(public, name) for name in public.__all__)


def test_a_finding_is_filled_in_from_its_scenario(tmp_path):
    scenario = Scenario(title="t", services=("nova", "neutron"), symptom=Blocks("havana/nova", error="x"))
    scenario.name = "a-trap"
    scenario.directory = root() / "scenarios" / "a-trap"
    cured = finding(scenario, place="nova.x", message="m", effect="e", cure=Cure("c", (Sql("nova", "SELECT 1"),)))
    assert (cured.source, cured.service, cured.severity) == ("a-trap", "nova", Severity.ERROR)
    assert (cured.consequence, cured.command) == ("e", "osupgrade rehearse --cure a-trap")
    assert finding(scenario, place="p", message="m").command == ""
    scenario.directory = tmp_path / "it's mine" / "a-trap"
    quoted = str(tmp_path / "it's mine").replace("'", "'\"'\"'")
    again = finding(scenario, place="p", message="m", cure=Cure("c"))
    assert again.command == f"osupgrade rehearse --cure a-trap --scenarios '{quoted}'"
