"""`osupgrade scenarios` list and new."""

import pytest
from typer.testing import CliRunner

from osupgrade.catalog.content import root
from osupgrade.cli import app
from osupgrade.scenarios.loading import load_scenarios


def test_the_table_of_the_readme_is_the_one_that_the_command_prints():
    text = (root() / "scenarios" / "README.md").read_text("utf-8")
    table = text.partition("<!-- table -->\n")[2].partition("\n<!-- end of table -->")[0]
    printed = CliRunner().invoke(app, ["scenarios", "list", "--markdown"])
    assert printed.exit_code == 0
    assert table == printed.output.strip(), "osupgrade scenarios list --markdown"


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
