"""The real services on the cloud that the path leaves: what they say of a cured cloud, and of one that does not start.

What they show of each silent damage is stated in its scenario, and test_scenarios checks it.
"""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from osupgrade.catalog import content
from osupgrade.catalog.site import Site
from osupgrade.cloud.cloud import Cloud
from osupgrade.cloud.laboratory import Laboratory, restore_lane
from osupgrade.cloud.steps import run_finish, run_hop
from osupgrade.model.events import EventLog
from osupgrade.model.finding import Severity
from osupgrade.model.plan import Plan
from osupgrade.model.stage import Stage
from osupgrade.rehearsal.cures import Cures, cure_all
from osupgrade.rehearsal.ledger import Ledger
from osupgrade.scenarios.loading import load_scenarios
from osupgrade.verify.census import Census
from osupgrade.verify.services import ServiceSet
from osupgrade.verify.verification import Verification, take_census, verify

SERVICES = ("keystone", "glance", "cinder", "nova", "neutron")
SCENARIOS = load_scenarios([content.scenarios()])


@pytest.fixture(scope="module")
def arrived(laboratory: Laboratory, tmp_path_factory):
    """The seeded cloud at Icehouse, just before the move to ML2."""
    scratch = tmp_path_factory.mktemp("path")
    names = {service: service for service in SERVICES}
    cloud = laboratory.cloud(Site(), "apis", restore_lane(laboratory, names, "apis"))

    def climb(service: str) -> None:
        for release in laboratory.plan.releases[1:]:
            step = f"{release.name}-{service}"
            assert not run_hop(cloud, release, service, scratch / f"{step}.log", scratch / step).problems

    with ThreadPoolExecutor(len(SERVICES)) as pool:
        list(pool.map(climb, SERVICES))
    return cloud


def moved(laboratory: Laboratory, cloud: Cloud, name: str, scratch: Path) -> Cloud:
    """A copy of the cloud whose neutron went on to ML2, and is as its cures leave it."""
    neutron = cloud.databases["neutron"]
    laboratory.server.save([neutron], f"apis-{name}")
    laboratory.server.load(f"apis-{name}", {neutron: f"{neutron}_{name}"})
    copy = dataclasses.replace(
        cloud, databases={**cloud.databases, "neutron": f"{neutron}_{name}"}, lane=f"apis-{name}"
    )
    copy = cured(laboratory, copy, "before:ml2")
    assert laboratory.plan.finish is not None
    assert not run_finish(copy, laboratory.plan.finish, laboratory.plan.last, scratch / "ml2.log", scratch).problems
    return cured(laboratory, copy, "after:ml2")


def cured(laboratory: Laboratory, cloud: Cloud, stage: str) -> Cloud:
    """The cloud as the scenarios' own cures of a stage leave it."""
    events = EventLog(None)
    cures = Cures(cure_all, Ledger(events), events)
    for scenario in SCENARIOS.applying(laboratory.plan):
        cloud = cures.look(cloud, Stage.parse(stage), scenario, again=True)
    return cloud


def asked(laboratory: Laboratory, cloud: Cloud, level, out: Path, **more) -> Verification:
    return verify(cloud, laboratory.lab, laboratory.workshop, laboratory.plan, level, out, print, **more)


def errors(verification: Verification) -> list[str]:
    return [
        f"{f.service} {f.place}: {f.message} {f.evidence.rows}"
        for f in verification.findings
        if f.severity is Severity.ERROR
    ]


@pytest.fixture(scope="module")
def census(laboratory: Laboratory, tmp_path_factory) -> Census:
    """What Grizzly's own APIs show of the seeded cloud."""
    seeded = laboratory.cloud(Site(), "before", restore_lane(laboratory, {s: s for s in SERVICES}, "before"))
    scratch = tmp_path_factory.mktemp("before")
    census = take_census(seeded, laboratory.lab, laboratory.workshop, laboratory.plan, scratch, print, password_of=str)
    assert census is not None
    assert len(census.facts["nova"]["servers"]) > 10
    return census


def test_a_cured_cloud_lives_on_as_it_was(laboratory, arrived, census, tmp_path):
    cloud = moved(laboratory, arrived, "cured", tmp_path)
    ports = cloud.value("neutron", "SELECT COUNT(*) FROM ports")
    bindings = cloud.rows("neutron", "SELECT * FROM ml2_port_bindings ORDER BY port_id")
    told = asked(laboratory, cloud, "full", tmp_path, password_of=str, before=census)
    assert errors(told) == []
    done = {call.name for call in told.calls if call.ok}
    assert {"boot server", "server is active", "hard reboot migrated server", "associate floating IP"} <= done
    assert {"volume is available", "snapshot is gone", "download image", "log in as admin in admin"} <= done
    assert {"list key pairs of admin", "show quotas of 6 tenants"} <= done
    assert {name.split()[2] for name in done if name.startswith("show ") and name.split()[1].isdigit()} >= KINDS
    assert any(name.startswith("get_device_details of ") for name in done)
    assert {call.release for call in told.calls} == {"grizzly", "icehouse"}
    # All of that happened on copies, which are gone.
    assert cloud.value("neutron", "SELECT COUNT(*) FROM ports") == ports
    assert cloud.rows("neutron", "SELECT * FROM ml2_port_bindings ORDER BY port_id") == bindings
    assert (tmp_path / "logs" / "verify-nova-api.log").stat().st_size > 0
    assert left(laboratory) == []


# One field of one object of each kind, in the databases behind the APIs' backs.
DAMAGE = {
    "keystone": (
        ("projects", "description", "UPDATE project SET description = 'damaged' WHERE name = 'media'"),
        ("roles of users", "all", "INSERT INTO assignment (type, actor_id, target_id, role_id, inherited) "
         "SELECT 'UserProject', u.id, p.id, r.id, 0 FROM user u, project p, role r "
         "WHERE u.name = 'media-user1' AND p.name = 'commerce' AND r.name = 'admin'"),
        ("endpoints", "url", "UPDATE endpoint SET url = 'http://damaged/' ORDER BY id LIMIT 1"),
    ),
    "glance": (("images", "min_ram", "UPDATE images SET min_ram = min_ram + 7 WHERE deleted = 0 AND status = 'active' ORDER BY id LIMIT 1"),),
    "cinder": (
        ("volumes", "size", "UPDATE volumes SET size = size + 1 WHERE deleted = 0 ORDER BY id LIMIT 1"),
        ("snapshots", "display_name", "UPDATE snapshots SET display_name = 'damaged' WHERE deleted = 0 ORDER BY id LIMIT 1"),
    ),
    "nova": (
        ("servers", "name", "UPDATE instances SET display_name = 'damaged' WHERE deleted = 0 AND vm_state = 'active' ORDER BY id LIMIT 1"),
        ("key pairs", "*", "UPDATE key_pairs SET fingerprint = 'damaged' WHERE deleted = 0"),
        ("quotas", "*", "UPDATE quotas SET hard_limit = hard_limit + 1 WHERE deleted = 0"),
    ),
    "neutron": (
        ("networks", "name", "UPDATE networks SET name = 'damaged' ORDER BY id LIMIT 1"),
        ("subnets", "gateway_ip", "UPDATE subnets SET gateway_ip = '10.99.99.99' ORDER BY id LIMIT 1"),
        ("ports", "name", "UPDATE ports SET name = 'damaged' ORDER BY id LIMIT 1"),
        ("routers", "name", "UPDATE routers SET name = 'damaged' ORDER BY id LIMIT 1"),
        ("floatingips", "floating_ip_address", "UPDATE floatingips SET floating_ip_address = '203.0.113.253' ORDER BY id LIMIT 1"),
        ("security_groups", "description", "UPDATE securitygroups SET description = 'damaged' ORDER BY id LIMIT 1"),
        ("security_group_rules", "port_range_max", "UPDATE securitygrouprules SET port_range_max = 9999 WHERE protocol = 'tcp' ORDER BY id LIMIT 1"),
        ("quotas", "*", "UPDATE quotas SET `limit` = `limit` + 1"),
    ),
}  # fmt: skip
KINDS = {"images", "volumes", "snapshots", "servers", "networks", "subnets", "ports", "routers", "floatingips"}


def test_every_damage_is_named_by_its_kind_and_field_and_so_are_a_lost_binding_and_a_traceback(
    laboratory, arrived, census, tmp_path
):
    cloud = moved(laboratory, arrived, "undamaged", tmp_path)
    laboratory.server.save(list(cloud.databases.values()), "apis-damaged")
    names = {name: f"{name}_damaged" for name in cloud.databases.values()}
    laboratory.server.load("apis-damaged", names)
    databases = {logical: names[name] for logical, name in cloud.databases.items()}
    cloud = dataclasses.replace(cloud, databases=databases, lane="apis-damaged")
    for service, damages in DAMAGE.items():
        cloud.execute(service, *(statement for _, _, statement in damages))
    # What the operator meets who did not fill the bindings: the port of a running server is nowhere.
    server, port = cloud.rows(
        "nova",
        f"SELECT i.uuid, p.id FROM instances i JOIN `{databases['neutron']}`.ports p ON p.device_id = i.uuid "
        "WHERE i.deleted = 0 AND i.vm_state = 'active' AND i.task_state IS NULL "
        "AND i.host = (SELECT host FROM (SELECT host, COUNT(*) n FROM instances WHERE deleted = 0 AND host IS NOT NULL "
        "GROUP BY host ORDER BY n DESC, host LIMIT 1) h) ORDER BY i.id LIMIT 1",
    )[0]
    cloud.execute(
        "neutron",
        "UPDATE ml2_port_bindings SET host = '', vif_type = 'unbound', driver = NULL, segment = NULL, vif_details = '' "
        f"WHERE port_id = '{port}'",
    )
    cloud.execute("keystone", "INSERT INTO policy (id, type, `blob`) VALUES ('damaged', 'application/json', 'no JSON')")
    told = asked(laboratory, cloud, "full", tmp_path, password_of=str, before=census)
    found = [f for f in told.findings if f.source == "verify/census"]
    for service, damages in DAMAGE.items():
        for kind, field, statement in damages:
            mine = [f for f in found if f.service == service and f.place == f"API {kind}"]
            assert [f for f in mine if field == "*" or f.message.startswith(f"{kind}: {field} changed")], (
                statement,
                mine,
            )
    said = errors(told)
    assert [s for s in said if "network interface in nova's cache" in s and server in s], said
    assert [s for s in said if "no answer when the agent asks" in s and port in s], said
    assert [s for s in said if "used by" in s and "unbound" in s and port in s], said
    assert [s for s in said if "verify-keystone.log: keystone raised" in s and "No JSON object" in s], said


def test_a_service_that_does_not_start_says_why_and_the_others_are_asked(laboratory, arrived, tmp_path):
    cloud = moved(laboratory, arrived, "broken", tmp_path)
    broken = dataclasses.replace(cloud, site=dataclasses.replace(cloud.site, network_vlan_ranges="physnet1:no:numbers"))
    told = asked(laboratory, broken, "smoke", tmp_path)
    (finding,) = [f for f in told.findings if f.service == "neutron"]
    assert finding.severity is Severity.ERROR
    assert finding.place == "neutron-server"
    assert "neutron-server does not start" in finding.message
    shown = [row[1] for row in finding.evidence.rows]
    assert "network_vlan_ranges = physnet1:no:numbers" in shown
    assert not [line for line in shown if laboratory.server.tool.password in line]
    # Nova asks neutron for the servers' security groups; the others do not need it.
    assert {f.service for f in told.findings} <= {"neutron", "nova"}
    assert {call.service for call in told.calls if call.ok} >= {"keystone", "glance", "cinder"}


def only_neutron(laboratory: Laboratory, cloud: Cloud) -> tuple[Cloud, Plan]:
    chains = tuple(chain for chain in laboratory.plan.chains if chain.service == "neutron")
    alone = dataclasses.replace(cloud, databases={"neutron": cloud.databases["neutron"]})
    return alone, dataclasses.replace(laboratory.plan, chains=chains)


def left(laboratory: Laboratory) -> list[str]:
    """What a verification must not leave on the engine and in the database server."""
    running = laboratory.lab.client.containers.list(filters={"label": f"org.osupgrade.run={laboratory.lab.run_id}"})
    copies = [name for name in laboratory.server.databases() if name.endswith("_verify")]
    return copies + [c.name or "" for c in running if "-controller" in str(c.name) or "-rabbitmq" in str(c.name)]


def test_one_service_alone_is_verified_with_a_keystone_of_the_lab_and_without_a_broker(laboratory, arrived, tmp_path):
    alone, plan = only_neutron(laboratory, moved(laboratory, arrived, "alone", tmp_path))
    told = verify(alone, laboratory.lab, laboratory.workshop, plan, "smoke", tmp_path, print, fast=True)
    assert errors(told) == []
    assert {started.service for started in told.started} == {"keystone", "neutron"}
    done = {call.name for call in told.calls if call.ok}
    assert any(name.startswith("get_device_details of ") for name in done)
    assert any(name.startswith("sync of the L3 agent on ") for name in done)


def test_nothing_is_left_when_it_is_interrupted_while_the_apis_are_asked(laboratory, arrived, tmp_path, monkeypatch):
    alone, plan = only_neutron(laboratory, moved(laboratory, arrived, "stopped", tmp_path))
    seen: list[str] = []

    def interrupt(*_arguments: object) -> None:
        seen.extend(left(laboratory))
        raise KeyboardInterrupt

    monkeypatch.setattr(ServiceSet, "script", interrupt)
    with pytest.raises(KeyboardInterrupt):
        verify(alone, laboratory.lab, laboratory.workshop, plan, "smoke", tmp_path, print, fast=True)
    assert seen
    assert left(laboratory) == []
    assert (tmp_path / "logs" / "verify-neutron-server.log").stat().st_size > 0
