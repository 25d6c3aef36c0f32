"""``osupgrade survey`` prints what is run elsewhere, and nothing besides."""

from osupgrade.catalog.survey import QUERY
from osupgrade.cli import run
from osupgrade.model.errors import Exit
from osupgrade.rehearsal.estimate.host import SCRIPT


def test_the_query(capsys):
    assert run(["survey"]) == Exit.CAME_THROUGH
    assert capsys.readouterr().out.strip() == QUERY.strip()


def test_the_script_that_measures_a_host_is_printed_to_the_byte(capsys):
    """It is the installed package's own: nobody has to look for a file inside of it."""
    assert run(["survey", "--speed"]) == Exit.CAME_THROUGH
    assert capsys.readouterr().out == SCRIPT.read_text("utf-8")


def test_a_script_and_a_server_are_not_asked_for_at_once(capsys):
    assert run(["survey", "--speed", "--url", "mysql://u:p@h/"]) == Exit.USAGE
    assert "--speed and --url cannot be combined" in capsys.readouterr().err
