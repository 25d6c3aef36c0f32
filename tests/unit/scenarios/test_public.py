"""What scenarios may use of the package: the one public module, and what it promises."""

import ast
import inspect

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


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_scenario_calls_the_public_module_as_its_signatures_are(file):
    tree = ast.parse(file.read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports if node.module == "osupgrade.scenarios" for alias in node.names}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        unpacked = any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords)
        if not isinstance(call.func, ast.Name) or call.func.id not in names or unpacked:
            continue
        called = getattr(public, call.func.id)
        inspect.signature(called).bind(*call.args, **{k.arg: k.value for k in call.keywords})


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
