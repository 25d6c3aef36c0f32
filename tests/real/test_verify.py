"""The real services on the cloud that the path leaves: what they say of a cured cloud, of a naive one, of a broken one."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from osupgrade.cloud import Cloud
from osupgrade.engine.hops import run_finish, run_hop
from osupgrade.laboratory import Laboratory, restore_lane
from osupgrade.model import Severity
from osupgrade.site import Site
from osupgrade.verify.verification import Verification, take_census, verify

SERVICES = ("keystone", "glance", "cinder", "nova", "neutron")
CURE = (
    "INSERT INTO portbindingports (port_id, host) SELECT p.id, i.host FROM ports p "
    "JOIN {nova}.instances i ON i.uuid = p.device_id AND i.deleted = 0 WHERE p.device_owner LIKE 'compute:%' AND i.host IS NOT NULL",
    "INSERT INTO portbindingports (port_id, host) SELECT p.id, MIN(a.host) FROM ports p "
    "JOIN networkdhcpagentbindings n ON n.network_id = p.network_id JOIN agents a ON a.id = n.dhcp_agent_id "
    "WHERE p.device_owner = 'network:dhcp' GROUP BY p.id",
    "INSERT INTO portbindingports (port_id, host) SELECT p.id, MIN(a.host) FROM ports p "
    "JOIN routerl3agentbindings r ON r.router_id = p.device_id JOIN agents a ON a.id = r.l3_agent_id "
    "WHERE p.device_owner IN ('network:router_interface', 'network:router_gateway') GROUP BY p.id",
    "INSERT INTO portbindingports (port_id, host) SELECT p.id, '' FROM ports p "
    "LEFT JOIN portbindingports b ON b.port_id = p.id WHERE b.port_id IS NULL",
)
AFTER = (
    "UPDATE ml2_port_bindings SET vif_type = 'unbound', driver = NULL, segment = NULL, vif_details = '' WHERE host = ''",
    "UPDATE ml2_port_bindings SET vif_details = '{\"port_filter\": true, \"ovs_hybrid_plug\": true}' WHERE vif_type = 'ovs'",
)


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


def moved(laboratory: Laboratory, cloud: Cloud, name: str, scratch: Path, *, cured: bool) -> Cloud:
    """A copy of the cloud whose neutron went on to ML2, with or without its ports' hosts."""
    neutron = cloud.databases["neutron"]
    laboratory.server.save([neutron], f"apis-{name}")
    laboratory.server.load(f"apis-{name}", {neutron: f"{neutron}_{name}"})
    copy = dataclasses.replace(
        cloud, databases={**cloud.databases, "neutron": f"{neutron}_{name}"}, lane=f"apis-{name}"
    )
    if cured:
        copy.execute("neutron", *CURE)
    assert laboratory.plan.finish is not None
    assert not run_finish(copy, laboratory.plan.finish, laboratory.plan.last, scratch / "ml2.log", scratch).problems
    if cured:
        copy.execute("neutron", *AFTER)
    return copy


def asked(laboratory: Laboratory, cloud: Cloud, level, out: Path, **more) -> Verification:
    return verify(cloud, laboratory.lab, laboratory.workshop, laboratory.plan, level, out, print, **more)


def errors(verification: Verification) -> list[str]:
    return [
        f"{f.service} {f.place}: {f.message} {f.evidence.rows}"
        for f in verification.findings
        if f.severity is Severity.ERROR
    ]


def test_a_cured_cloud_lives_on_as_it_was(laboratory, arrived, tmp_path):
    seeded = laboratory.cloud(Site(), "before", restore_lane(laboratory, {s: s for s in SERVICES}, "before"))
    census = take_census(
        seeded, laboratory.lab, laboratory.workshop, laboratory.plan, tmp_path / "before", print, password_of=str
    )
    assert census is not None
    assert len(census.facts["nova"]["servers"]) > 10
    cloud = moved(laboratory, arrived, "cured", tmp_path, cured=True)
    ports = cloud.value("neutron", "SELECT COUNT(*) FROM ports")
    bindings = cloud.rows("neutron", "SELECT * FROM ml2_port_bindings ORDER BY port_id")
    told = asked(laboratory, cloud, "full", tmp_path, password_of=str, before=census)
    assert errors(told) == []
    done = {call.name for call in told.calls if call.ok}
    assert {"boot server", "server is active", "hard reboot migrated server", "associate floating IP"} <= done
    assert {"volume is available", "snapshot is gone", "download image", "log in as admin in admin"} <= done
    assert any(name.startswith("get_device_details of ") for name in done)
    assert {call.release for call in told.calls} == {"grizzly", "icehouse"}
    # All of that happened on copies, which are gone.
    assert cloud.value("neutron", "SELECT COUNT(*) FROM ports") == ports
    assert cloud.rows("neutron", "SELECT * FROM ml2_port_bindings ORDER BY port_id") == bindings
    assert not [name for name in laboratory.server.databases() if name.endswith("_verify")]
    assert (tmp_path / "logs" / "verify-nova-api.log").stat().st_size > 0
    running = laboratory.lab.client.containers.list(filters={"label": f"org.osupgrade.run={laboratory.lab.run_id}"})
    assert not [c.name for c in running if c.name.endswith(("controller", "rabbitmq"))]


def test_a_naive_cloud_s_ports_get_no_answer_from_the_agent_s_question(laboratory, arrived, tmp_path):
    cloud = moved(laboratory, arrived, "naive", tmp_path, cured=False)
    told = asked(laboratory, cloud, "smoke", tmp_path)
    found = errors(told)
    assert any("are shown without their binding" in line for line in found)
    assert any("get no answer when the agent asks" in line for line in found)
    assert all(line.startswith("neutron") for line in found), found


def test_a_service_that_does_not_start_says_why_and_the_others_are_asked(laboratory, arrived, tmp_path):
    cloud = moved(laboratory, arrived, "broken", tmp_path, cured=True)
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


def test_one_service_alone_is_verified_with_a_keystone_of_the_lab(laboratory, arrived, tmp_path):
    cloud = moved(laboratory, arrived, "alone", tmp_path, cured=True)
    only = dataclasses.replace(cloud, databases={"neutron": cloud.databases["neutron"]})
    chains = tuple(chain for chain in laboratory.plan.chains if chain.service == "neutron")
    plan = dataclasses.replace(laboratory.plan, chains=chains)
    told = verify(only, laboratory.lab, laboratory.workshop, plan, "smoke", tmp_path, print)
    assert errors(told) == []
    assert {started.service for started in told.started} == {"keystone", "neutron"}
    assert any(call.name.startswith("get_device_details of ") for call in told.calls)
