"""Without --tunnel-type migrate_to_ml2 copies no tunnel ids and drops the tables that held them."""

import json
from collections.abc import Iterator, Sequence

from osupgrade.scenarios import (
    Cloud,
    Cure,
    Damage,
    Evidence,
    Finding,
    Scenario,
    Shell,
    Silent,
    Sql,
    Stage,
    counted,
    finding,
    shell_word,
)

scenario = Scenario(
    title="The move to ML2 without --tunnel-type frees every tunnel id in use",
    services=("neutron",),
    symptom=Silent(
        "after:ml2",
        breaks=("allocations",),
        shows=(r"segments? in use (is|are) allocated again",),
        damage=Damage(7, ()),
    ),
    site={"tunnel_type": "none"},
)

CONSEQUENCE = (
    "ML2 considers the ids of the networks free and gives them to the next networks: two "
    "tenants share one tunnel; the old tables have been dropped by then"
)
TUNNELS = (
    "SELECT network_id AS network, network_type AS type, segmentation_id AS id FROM ovs_network_bindings "
    "WHERE network_type IN ('gre', 'vxlan') ORDER BY network_type, segmentation_id"
)
BOOKED = {"gre": ("ml2_gre_allocations", "gre_id"), "vxlan": ("ml2_vxlan_allocations", "vxlan_vni")}


@scenario.inject()
def need_tunnels(cloud: Cloud) -> None:
    """A GRE network as Grizzly's plugin stores it, where the cloud has none."""
    if cloud.rows("neutron", TUNNELS):
        return
    network = "94e094e0-0000-4000-8000-00000000000a"
    cloud.execute(
        "neutron",
        "INSERT INTO networks (tenant_id, id, name, status, admin_state_up, shared) "
        f"VALUES ('', '{network}', 'gre', 'ACTIVE', 1, 0)",
        f"INSERT INTO ovs_network_bindings VALUES ('{network}', 'gre', NULL, 900)",
        "REPLACE INTO ovs_tunnel_allocations VALUES (900, 1)",
    )


@scenario.preflight("seeded", "before:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tunnel networks that the site does not know of."""
    if "ovs_network_bindings" not in cloud.tables("neutron"):
        return
    evidence = cloud.evidence("neutron", TUNNELS)
    kinds = sorted({str(row[1]) for row in cloud.rows("neutron", TUNNELS)} - {cloud.site.tunnel_type})
    if kinds:
        kind = kinds[0]
        yield finding(
            scenario,
            place="neutron.ovs_network_bindings",
            message=counted(evidence.total, "{n} network[s] use[s|] tunnels ({kinds})", kinds=" and ".join(kinds))
            + f", but tunnel_type of the site is {cloud.site.tunnel_type!r}",
            effect=CONSEQUENCE,
            evidence=evidence,
            cure=Cure(
                "pass the tunnel type to the script",
                (
                    Shell(
                        f"python -m neutron.db.migration.migrate_to_ml2 openvswitch URL --tunnel-type={shell_word(kind)}"
                    ),
                    Shell(f"echo {shell_word(f'tunnel_type = {json.dumps(kind)}')} >> site.toml"),
                ),
                Stage.before("ml2"),
            ),
        )


@scenario.cure("before:ml2")
def name_the_type(cloud: Cloud, _findings: Sequence[Finding]) -> Cloud:
    """The site as it should have been."""
    kinds = {str(row[1]) for row in cloud.rows("neutron", TUNNELS)}
    return cloud.with_site(tunnel_type=min(kinds))


@scenario.preflight("after:ml2")
def find_afterwards(cloud: Cloud) -> Iterator[Finding]:
    """Tunnels that are not booked; their ids are still in the segments."""
    evidence = unbooked(cloud)
    if evidence.total:
        yield finding(
            scenario,
            place="neutron.ml2_gre_allocations",
            message=counted(evidence.total, "{n} tunnel[s] in use [is|are] not allocated"),
            effect=CONSEQUENCE,
            evidence=evidence,
            cure=Cure(
                "allocate them before neutron-server starts",
                tuple(
                    Sql(
                        "neutron",
                        f"INSERT INTO {table} ({column}, allocated) SELECT segmentation_id, 1 "
                        f"FROM ml2_network_segments WHERE network_type = '{kind}' "
                        "ON DUPLICATE KEY UPDATE allocated = 1",
                    )
                    for kind, (table, column) in BOOKED.items()
                ),
                Stage.after("ml2"),
            ),
        )


@scenario.probe()
def unbooked(cloud: Cloud) -> Evidence:
    """Tunnels in use that are not booked."""
    queries = (
        f"SELECT s.network_id AS network, s.network_type AS type, s.segmentation_id AS id FROM ml2_network_segments s LEFT JOIN {table} a "
        f"ON a.{column} = s.segmentation_id AND a.allocated WHERE s.network_type = '{kind}' AND a.{column} IS NULL"
        for kind, (table, column) in BOOKED.items()
    )
    return cloud.evidence("neutron", " UNION ALL ".join(queries))
