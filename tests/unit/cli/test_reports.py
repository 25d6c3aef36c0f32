from osupgrade.cli import run as command
from osupgrade.history.rundir import RunDirectory
from osupgrade.model.errors import Exit
from osupgrade.report.write import write_reports

from .. import _reports as samples


def made(report, parent):
    run = RunDirectory.make(parent, "grizzly-icehouse")
    write_reports(report, run)
    run.finish()
    return str(run.path)


def test_a_finished_run_is_shown_again_with_its_own_exit_status(tmp_path, capsys):
    assert command(["report", made(samples.FAILED, tmp_path)]) == Exit.DID_NOT
    text = capsys.readouterr().out
    assert text.startswith("The cloud did not come through") and "report.html" in text


def test_scenarios_are_shown_as_a_matrix_that_is_not_wrapped(tmp_path, capsys):
    assert command(["report", made(samples.scenarios(5), tmp_path)]) == Exit.DID_NOT
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("glance-trap-03 ")]
    assert line.rstrip().endswith(
        "naive: havana/nova failed with a different error from /1060.*disabled_reason/: KeyError: 162"
    )


def test_the_runbook_s_commands_are_not_wrapped(tmp_path, capsys):
    assert command(["report", made(samples.GREEN, tmp_path), "--runbook"]) == Exit.CAME_THROUGH
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if "migrate_to_ml2" in line and line.startswith("python")]
    assert line.endswith('openvswitch "$NEUTRON_URL" --tunnel-type=gre')


def test_there_is_no_runbook_of_scenarios(tmp_path, capsys):
    assert command(["report", made(samples.scenarios(3), tmp_path), "--runbook"]) == Exit.USAGE
    assert "is not a rehearsal" in capsys.readouterr().err
