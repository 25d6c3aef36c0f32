"""The operator's own page for the night: every step, command and cure in its place."""

import dataclasses
import re
import shlex
import subprocess

import pytest

from osupgrade.catalog.releases import load_paths, load_releases
from osupgrade.model.finding import Cure, Severity, Shell, Sql
from osupgrade.model.plan import find_path, make_plan
from osupgrade.model.report import StagedFinding, State
from osupgrade.model.stage import SEEDED, Stage
from osupgrade.report.digest import between
from osupgrade.report.runbook import runbook

from ... import _reports as samples


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
        "Check before anybody can write",
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


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", ["grizzly-icehouse", "caracal-gazpacho", "grizzly-havana", "havana-train"])
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


def test_the_lab_s_own_times_are_warned_of_where_nothing_was_estimated():
    page = runbook(dataclasses.replace(samples.GREEN, estimate=None), plan())
    assert "not to plan the night" in page and "not to plan the night" not in PAGE
    assert "saves about 90.0 s" in PAGE and "saves about" not in page


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
    page = runbook(with_findings(StagedFinding(SEEDED, samples.BACKPORTED, State.UNRESOLVED)), plan())
    assert "not rehearsed: the rehearsal did not apply it" in page


def test_a_cure_tells_what_it_took_and_how_to_see_that_it_worked():
    staged = [StagedFinding(SEEDED, samples.BACKPORTED, State.CURED, cured_in=2.34)]
    _, _, step = runbook(with_findings(*staged), plan()).partition(f". Cure: {samples.BACKPORTED.cure.summary}")
    step = step.partition("###")[0]
    assert "expected: 2.3 s in the rehearsal" in step
    assert "osupgrade inspect --path grizzly-icehouse --url mysql://" in step and "Way back: restore" in step


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


def test_a_move_between_releases_and_databases_that_come_on_the_way_have_their_places():
    page = runbook(dataclasses.replace(samples.GREEN, result=None), plan("havana-train"))
    order = titles(page)
    assert order.index("neutron to icehouse") < order.index("Move neutron to ml2") < order.index("neutron to juno")
    kilo = next(block for block in blocks(page) if "migrate_flavor_data" in block)
    assert kilo.splitlines()[0] == '$SQL -e "CREATE DATABASE nova_api CHARACTER SET utf8"'
    assert page.count("CREATE DATABASE") == 3  # nova_api, nova_cell0, placement
    placement = next(block for block in blocks(page) if "CREATE DATABASE placement" in block)
    assert " nova_api allocations consumers " in placement and "| $SQL placement" in placement
    assert "db stamp b4ed3a175331" in placement


MOVED = runbook(samples.MOVED, plan())


IN_PLACE = runbook(samples.IN_PLACE, plan())


def test_what_was_estimated_stands_beside_what_was_measured():
    hop = samples.GREEN.estimate.hops[0]
    assert f"in the rehearsal, {between(hop.time)} estimated" in PAGE
    assert f"the APIs down for {between(samples.GREEN.estimate.down)}" in PAGE
    without = runbook(dataclasses.replace(samples.GREEN, estimate=None), plan())
    assert "estimated" not in without
    assert "APIs down for" not in without


def test_services_run_at_a_release_between_before_the_next_one_that_asks_for_it():
    page = runbook(dataclasses.replace(samples.GREEN, result=None), plan("caracal-gazpacho"))
    between = titles(page)[titles(page).index("neutron to epoxy") + 1 :][:4]
    assert between == [
        "Start epoxy's services, on every compute host too",
        "Stop what writes to the databases",
        "Dump the databases again",
        "Install gazpacho's packages (2026.1), starting nothing",
    ]
    assert page.count("**Point of no return.**") == 2
    assert "WHERE s.deleted = 0 AND s.version < 68" in page
    assert [block.splitlines()[0] for block in blocks(page) if "mysqldump" in block][1].startswith(
        "BACKUP=/var/backups/epoxy-"
    )
    assert "then repeat keystone's steps" not in page  # a dump of epoxy is there to begin with
    alone = runbook(dataclasses.replace(samples.GREEN, result=None), plan("caracal-gazpacho", ["keystone"]))
    assert "Start epoxy's services, on every compute host too" not in titles(alone)
    assert "Way back: restore `keystone` from the dump (see *The way back*), then repeat keystone's steps" in alone


def test_what_a_check_says_while_the_apis_are_down_is_told_apart():
    page = runbook(dataclasses.replace(samples.GREEN, result=None), plan("caracal-gazpacho"))
    assert page.count("Of its results, *Placement API* fails while the APIs are down") == 2
    assert "Most launch commands are gone from its packages" in page
    assert page.count("`db_sync --expand`, `db_sync --migrate` may run while the API is up") == 2
    assert "`upgrade --contract` may run" not in page


def test_a_new_controller_is_filled_before_the_hops_and_the_old_one_is_the_way_back():
    steps = titles(MOVED)
    assert steps[:3] == [
        "Stop what writes to the databases, on the old controller",
        "Dump the databases on the old server",
        "Restore them on the new server",
    ]
    assert steps[3:] == titles(IN_PLACE)[2:]
    assert "2.1 s in the rehearsal for 45.8 MiB" in MOVED and "4.2 s in the rehearsal for 45.8 MiB" in MOVED
    assert "nothing may write for" in MOVED and "with mariadb105 (the old one has mysql56)" in MOVED
    way_back = MOVED[MOVED.index("## The way back") :]
    assert "start the old controller's services" in way_back
    assert "the old server is unchanged" in way_back
    last = MOVED[MOVED.index("Point of no return") :]
    assert "lead to the new one" in last


def test_an_upgrade_in_place_says_what_going_back_was_seen_to_take():
    assert titles(IN_PLACE) == titles(PAGE)
    way_back = IN_PLACE[IN_PLACE.index("## The way back") :]
    assert "the backup was restored in 3.4 s" in way_back and "not timed" not in way_back
    assert "not timed in the rehearsal" in PAGE[PAGE.index("## The way back") :]


@pytest.mark.parametrize("page", [MOVED, IN_PLACE], ids=["moved", "in place"])
def test_the_commands_of_each_strategy_are_shell(page):
    for block in blocks(page):
        done = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
        assert done.returncode == 0, block + done.stderr


def test_rows_are_counted_on_both_servers_and_only_differences_are_told(tmp_path):
    """The very block of the page, with a client that counts for each server what its file says."""
    (counting,) = [block for block in blocks(MOVED) if "awk '$1 != $2'" in block]
    for server, rows in (("old", {"users": 3, "roles": 2}), ("new", {"users": 3, "roles": 1})):
        cases = " ".join(f"*\\`{table}\\`*) echo {count};;" for table, count in rows.items())
        client = tmp_path / server
        client.write_text(f'#!/bin/bash\ncase "$*" in *information_schema*) echo users; echo roles;; {cases} esac\n')
        client.chmod(0o755)
    script = f"OLD={tmp_path}/old SQL={tmp_path}/new\n{counting}"
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=True)
    assert {re.sub(r"\w+\.", "", line) for line in done.stdout.splitlines()} == {"2 1 roles"}


def test_a_route_that_upstream_does_not_support_is_not_told_to_skip_nothing():
    report = dataclasses.replace(samples.GREEN, result=None)
    page = runbook(report, plan("yoga-antelope-caracal"))
    assert "upstream does not support it from yoga: 2023.1 is the first SLURP release" in page
    assert page.count("Do not skip a release: ") == 1, "caracal follows antelope"


def test_a_server_of_several_services_is_stopped_once():
    report = dataclasses.replace(samples.GREEN, result=None)
    page = runbook(report, plan("yoga-antelope-caracal"))
    for loop in re.findall(r"for s in ([^;]+); do systemctl", page):
        assert len(loop.split()) == len(set(loop.split()))
    assert "apache2" in page


def test_what_has_no_cure_has_its_consequence_beside_it():
    found = dataclasses.replace(
        samples.OWN_TABLE, cure=None, consequence="stop every agent first", severity=Severity.WARNING
    )
    page = runbook(with_findings(StagedFinding(SEEDED, found, State.UNRESOLVED)), plan())
    assert re.search(r"Unresolved, no known cure: .*; stop every agent first\.\n", page)
