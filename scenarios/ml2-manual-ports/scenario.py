"""migrate_to_ml2 draws every port as bound, those without a host too; ML2 itself holds them in another form."""

import functools
from collections.abc import Iterator

from osupgrade.scenarios import (
    Cloud,
    Cure,
    Damage,
    Evidence,
    Finding,
    Scenario,
    Severity,
    Silent,
    Sql,
    Stage,
    counted,
    finding,
    service,
    statement,
)

neutron = service("neutron")

scenario = Scenario(
    title="Unbound ports look bound after the move to ML2",
    services=("neutron",),
    symptom=Silent(
        "after:ml2",
        breaks=("ports_bound",),
        shows=(
            r"ports? (is|are) shown as bound without a host",
            r"ports? without a host (is|are) answered as bound",
            r"ports? (is|are) bound differently after a rename",
        ),
        damage=Damage(46, ("019f63ee-c000-4c0d-b317-4503b6660022", "", "ovs", "openvswitch")),
    ),
    universal=True,
)

CONSEQUENCE = (
    "migrate_to_ml2 writes vif_type 'ovs', driver 'openvswitch' and a segment next to the empty host; the server then "
    "answers agents as if the port were bound"
)
CURE = Cure(
    "store them as ML2 itself stores an unbound port",
    (
        Sql(
            "neutron",
            "UPDATE ml2_port_bindings SET vif_type = 'unbound', driver = NULL, segment = NULL, vif_details = '', "
            "vnic_type = 'normal', profile = '' WHERE host = '' AND vif_type <> 'unbound'",
        ),
    ),
    Stage.after("ml2"),
)
UNATTACHED = (
    "FROM ports WHERE device_owner NOT LIKE 'compute:%' AND device_owner NOT IN "
    "('network:dhcp', 'network:router_interface', 'network:router_gateway')"
)


HANDMADE = "0a4d0a4d-0000-4000-8000-00000000000a"
ML2_PLUGIN = "neutron.plugins.ml2.plugin.Ml2Plugin"
CREATE = """
cfg.CONF.set_override("agent_down_time", 10 ** 9)
from neutron import context
from neutron.api.v2.attributes import ATTR_NOT_SPECIFIED as none
for name, host in (("by ML2, unbound", none), ("by ML2, bound", HOST)):
    plugin.create_port(context.get_admin_context(), {"port": {
        "tenant_id": TENANT, "name": name, "network_id": NETWORK, "admin_state_up": True, "mac_address": none,
        "fixed_ips": [], "device_id": "", "device_owner": "", "security_groups": [], "binding:host_id": host,
        "binding:vnic_type": none, "binding:profile": none}})
"""
"""ML2 itself makes a port without a host and one with a host, on the same network."""


@scenario.inject()
def make_by_hand(cloud: Cloud) -> None:
    """What `quantum port-create NETWORK` leaves: a port with an address and without a device."""
    network = cloud.value("neutron", "SELECT MIN(network_id) FROM ovs_network_bindings")
    if network is None:
        return
    cloud.execute(
        "neutron",
        statement(
            "INSERT INTO ports (tenant_id, id, name, network_id, mac_address, admin_state_up, status, device_id, "
            "device_owner) SELECT tenant_id, :port, 'made by hand', id, 'fa:16:3e:0a:4d:0a', 1, 'DOWN', '', '' "
            "FROM networks WHERE id = :network",
            port=HANDMADE,
            network=network,
        ),
    )


@scenario.preflight("seeded")
def foresee(cloud: Cloud) -> Iterator[Finding]:
    """Ports that no device and no agent holds."""
    if not neutron.is_at(cloud, "grizzly"):
        return
    evidence = cloud.evidence("neutron", f"SELECT id AS port, name, device_owner {UNATTACHED}")
    if evidence.total:
        yield _finding(
            Severity.INFO,
            counted(evidence.total, "{n} port[s] belong[s|] to no host (created by hand, or for a floating IP)"),
            evidence,
        )


@scenario.preflight("after:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Rows without a host that say they are bound."""
    evidence = misdrawn(cloud)
    if evidence.total:
        yield _finding(
            Severity.ERROR, counted(evidence.total, "{n} port[s] without a host [is|are] stored as bound"), evidence
        )


@scenario.probe()
def misdrawn(cloud: Cloud) -> Evidence:
    """Rows without a host that say they are bound."""
    return cloud.evidence(
        "neutron",
        "SELECT port_id AS port, host, vif_type, driver, segment FROM ml2_port_bindings "
        "WHERE host = '' AND vif_type <> 'unbound' ORDER BY port_id",
    )


@scenario.check("verify")
def as_by_ml2(cloud: Cloud) -> Iterator[Finding]:
    """Moved ports against ports that Icehouse's ML2 makes beside them: equal but for the ids."""
    columns = "b.host, b.vnic_type, b.profile, b.vif_type, b.vif_details, b.driver, b.segment"
    row = f"SELECT {columns} FROM ml2_port_bindings b JOIN ports p ON p.id = b.port_id WHERE "
    moved = cloud.rows("neutron", f"{row} p.id = %s", HANDMADE)
    network = cloud.value("neutron", "SELECT network_id FROM ports WHERE id = %s", HANDMADE)
    moved += cloud.rows("neutron", f"{row} p.network_id = %s AND b.host <> '' LIMIT 1", network)
    if len(moved) < 2:
        return
    # A tenant that has its default security group, or the plugin would make one.
    tenant = cloud.value("neutron", "SELECT tenant_id FROM securitygroups WHERE name = 'default' LIMIT 1")
    words = {"HOST": moved[1][0], "NETWORK": network, "TENANT": tenant}
    create = functools.reduce(lambda code, word: code.replace(word, repr(words[word])), words, CREATE)
    code = neutron.server(cloud, neutron.ML2) + create
    run = cloud.with_site(core_plugin=ML2_PLUGIN).python("icehouse", "neutron", code)
    made = cloud.rows("neutron", f"{row} p.name LIKE 'by ML2, %' ORDER BY p.name DESC")
    cloud.execute("neutron", "DELETE FROM ports WHERE name LIKE 'by ML2, %'")
    if made != moved or not run.ok:
        rows: list[tuple[object, ...]] = [*(("moved", *r) for r in moved), *(("by ML2", *r) for r in made)]
        yield finding(
            scenario,
            place="neutron.ml2_port_bindings",
            message="moved ports are not as ML2 itself makes them",
            effect=run.output[-500:],
            evidence=Evidence.of(("port", *columns.replace("b.", "").split(", ")), rows),
        )


def _finding(severity: Severity, message: str, evidence: Evidence) -> Finding:
    return finding(
        scenario,
        severity=severity,
        place="neutron.ml2_port_bindings",
        message=message,
        effect=CONSEQUENCE,
        evidence=evidence,
        cure=CURE,
    )
