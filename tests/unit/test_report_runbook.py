import dataclasses
import re
import shlex
import subprocess

import pytest

from osupgrade.model import SEEDED, Cure, Severity, Shell, Sql, Stage
from osupgrade.plan import find_path, make_plan
from osupgrade.releases import load_paths, load_releases
from osupgrade.report.runbook import runbook
from osupgrade.result import StagedFinding, State

from . import _reports as samples


def plan(path="grizzly-icehouse", services=None):
    return make_plan(find_path(load_paths(), load_releases(), path), load_releases(), services)


PAGE = runbook(samples.GREEN, plan())


def titles(page):
    return re.findall(r"^### \d+\. (.*)$", page, re.MULTILINE)


def blocks(page):
    return re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_every_step_stands_in_order():
    expected = [
        "Stop what writes to the databases",
        "Dump the databases",
        "Cure: Stamp the database as Grizzly's",
        "Install havana's packages (2013.2.4), starting nothing",
        *(f"{service} to havana" for service in samples.SERVICES),
        "Install icehouse's packages (2014.1.5), starting nothing",
        *(f"{service} to icehouse" for service in samples.SERVICES),
        "Cure: Fill the host of every port from nova, the DHCP agents and the routers",
        "Move neutron to ml2",
        "Look before anybody can write",
        "Start icehouse's services",
    ]
    assert titles(PAGE) == expected
    assert (
        PAGE.index("Move neutron to ml2") < PAGE.index("Point of no return") < PAGE.index("Start icehouse's services")
    )


def test_commands_are_those_of_the_controller():
    for command in (
        "keystone-manage --config-file /etc/keystone/keystone.conf db_sync",
        "nova-manage --config-file /etc/nova/nova.conf db sync",
        "neutron-db-manage --config-file /etc/neutron/neutron.conf --config-file "
        "/etc/neutron/plugins/openvswitch/ovs_neutron_plugin.ini upgrade head",
    ):
        assert f"'{command}'" in PAGE
    (move,) = [block for block in blocks(PAGE) if "migrate_to_ml2" in block]
    assert shlex.split(move)[3:] == ["openvswitch", "$NEUTRON_URL", "--tunnel-type=gre"]
    assert "{{" not in PAGE and "/lab/" not in PAGE and "/src/" not in PAGE


def test_each_hop_has_its_time_its_proof_and_its_way_back():
    (nova,) = re.findall(r"^### \d+\. nova to havana$(.*?)^###", PAGE, re.MULTILINE | re.DOTALL)
    assert "6.3 s in the rehearsal" in nova
    assert 'nova -e "SELECT version FROM migrate_version"' in nova and "`216`" in nova
    assert "Way back: restore `nova` from the dump" in nova


@pytest.mark.parametrize("path", ["grizzly-icehouse", "caracal-gazpacho", "grizzly-havana"])
def test_every_block_is_valid_shell(path, tmp_path):
    report = samples.GREEN if path == "grizzly-icehouse" else dataclasses.replace(samples.GREEN, result=None)
    found = blocks(runbook(report, plan(path)))
    assert len(found) > 15
    for block in found:
        script = tmp_path / "block.sh"
        script.write_text(block)
        checked = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
        assert checked.returncode == 0 and not checked.stderr, f"{block}\n{checked.stderr}"


def test_cures_stand_where_they_are_done_with_their_sql():
    (cure,) = [block for block in blocks(PAGE) if "INSERT INTO portbindingports" in block]
    assert cure.startswith("$SQL neutron <<'SQL'\n")
    assert "`nova`.instances" in cure and cure.count("<<'SQL'") == 1 and cure.count(";\n") == 2


def with_findings(*findings):
    return dataclasses.replace(samples.GREEN, result=dataclasses.replace(samples.GREEN.result, findings=findings))


def test_a_cure_that_several_findings_share_is_done_once():
    other = dataclasses.replace(samples.UNBOUND, place="ports", severity=Severity.WARNING)
    staged = [StagedFinding(SEEDED, f, State.SCHEDULED) for f in (samples.UNBOUND, other)]
    page = runbook(with_findings(*staged), plan())
    assert len([title for title in titles(page) if title.startswith("Cure")]) == 1
    assert "portbindingports: 14 ports" in page and "ports: 14 ports" in page


def test_what_was_foreseen_and_then_cured_is_one_step():
    foreseen = dataclasses.replace(
        samples.UNBOUND,
        severity=Severity.INFO,
        message="14 ports will need a host",
        cure=dataclasses.replace(samples.UNBOUND.cure, summary="Fill them before ml2"),
    )
    page = runbook(
        with_findings(
            StagedFinding(SEEDED, foreseen, State.SCHEDULED),
            StagedFinding(Stage.before("ml2"), samples.UNBOUND, State.CURED),
        ),
        plan(),
    )
    (cure,) = [title for title in titles(page) if title.startswith("Cure")]
    assert cure == f"Cure: {samples.UNBOUND.cure.summary}" and "will need a host" not in page
    assert "not rehearsed" not in page and page.index(cure) > page.index("neutron to icehouse")


def test_a_cure_that_was_not_rehearsed_says_so():
    assert "not rehearsed" not in PAGE
    page = runbook(with_findings(StagedFinding(SEEDED, samples.BACKPORTED, State.STANDING)), plan())
    assert "not rehearsed: the rehearsal did not apply it" in page


def test_what_breaks_nothing_is_done_in_the_days_before():
    assert PAGE.index("DELETE FROM token") < PAGE.index("## The night")
    assert PAGE.count("DELETE FROM token") == 1


def test_statements_between_commands_keep_their_order():
    cure = Cure("mixed", (Sql("nova", "SELECT 1"), Shell("nova-manage db archive"), Sql("nova", "SELECT 2;")), SEEDED)
    finding = dataclasses.replace(samples.BACKPORTED, cure=cure)
    text = runbook(with_findings(StagedFinding(SEEDED, finding, State.CURED)), plan())
    assert text.index("SELECT 1;") < text.index("nova-manage db archive") < text.index("SELECT 2;\n")


def test_a_cure_after_a_hop_comes_after_it():
    cure = dataclasses.replace(samples.BACKPORTED.cure, at=Stage.after("havana/nova"))
    finding = dataclasses.replace(samples.BACKPORTED, cure=cure)
    order = titles(runbook(with_findings(StagedFinding(cure.at, finding, State.CURED)), plan()))
    assert order[order.index("nova to havana") + 1].startswith("Cure:")


def test_a_failed_rehearsal_says_not_to_use_the_page():
    page = runbook(samples.FAILED, plan())
    assert "**Do not use this page yet.**" in page
    assert "**This step failed in the rehearsal:** OperationalError" in page
    assert "Do not use" not in PAGE


def test_a_part_of_the_services_and_of_the_path():
    result = dataclasses.replace(samples.GREEN.result, services=("nova",), steps=tuple(samples.chain("nova")))
    page = runbook(dataclasses.replace(samples.GREEN, result=result), plan("grizzly-havana", ["nova"]))
    assert "nova to havana" in titles(page) and "NEUTRON_URL" not in page and "keystone to havana" not in titles(page)


def test_today_s_path_has_its_expand_and_contract_calls_and_its_upgrade_check():
    page = runbook(dataclasses.replace(samples.GREEN, result=None), plan("caracal-gazpacho"))
    for command in ("keystone-manage", "db_sync --expand", "nova-status", "neutron-db-manage", "systemctl stop"):
        assert command in page
    assert "`upgrade check` may exit 0 or 1." in page and "nova_cell0" in page
