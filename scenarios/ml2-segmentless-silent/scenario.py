"""A network without a segment, whose port comes first: migrate_to_ml2 then writes no segment into any binding."""

from collections.abc import Iterator

from osupgrade.scenarios import Cloud, Damage, Evidence, Finding, Scenario, Silent, service, statement

neutron = service("neutron")

scenario = Scenario(
    title="One network without a segment takes the segment from every port, silently",
    services=("neutron",),
    symptom=Silent(
        "after:ml2",
        breaks=("ports_bound",),
        shows=(
            r"ports? gets? no answer when the agent asks",
            r"networks? (is|are) shown without a segment",
            r"ports? (is|are) bound differently after a rename",
        ),
        damage=Damage(22, ("01eda1ab-c000-4c0d-b23e-564e3015db50", "network1", "NULL")),
    ),
)

FIRST_PORT = "00000000-0000-4000-8000-00000000000a"


@scenario.inject()
def lose_segment(cloud: Cloud) -> None:
    """A network's row in ovs_network_bindings is gone, and the first of all ports is on that network."""
    network = neutron.segmented_network(cloud)
    cloud.execute(
        "neutron",
        statement(
            "INSERT INTO ports (tenant_id, id, name, network_id, mac_address, admin_state_up, status, device_id, "
            "device_owner) SELECT tenant_id, :port, 'first', id, 'fa:16:3e:00:00:0a', 1, 'DOWN', '', '' "
            "FROM networks WHERE id = :network",
            port=FIRST_PORT,
            network=network,
        ),
        statement("DELETE FROM ovs_network_bindings WHERE network_id = :network", network=network),
    )


@scenario.preflight("seeded", "before:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Networks without a segment, where the first port is on one, or where they have no ports."""
    if "ovs_network_bindings" not in cloud.tables("neutron"):
        return
    networks = cloud.rows("neutron", neutron.SEGMENTLESS)
    if networks and (neutron.first_port_is_segmentless(cloud) or not any(row[2] for row in networks)):
        yield neutron.segmentless(
            scenario,
            cloud,
            "SQLAlchemy shapes migrate_to_ml2's one INSERT after its first row: if that has no segment, segment is "
            "NULL in every binding of the cloud, and no agent wires any port; a network without ports stays without "
            "a segment",
        )


@scenario.probe()
def bound_to_nothing(cloud: Cloud) -> Evidence:
    """Bindings with a host and without a segment."""
    return cloud.evidence(
        "neutron",
        "SELECT port_id AS port, host, segment FROM ml2_port_bindings WHERE host <> '' AND segment IS NULL ORDER BY port_id",
    )
