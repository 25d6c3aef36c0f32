"""Two tunnel endpoints with one id, as Grizzly's agents make them when they start at the same moment."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Finding, Severity, Sql
from osupgrade.scenarios.contract import Blocks, Scenario

scenario = Scenario(
    title="Two tunnel endpoints have the same id",
    services=("neutron",),
    symptom=Blocks("havana/neutron", error=r"1062, \"Duplicate entry '\d+' for key 'uniq_ovs_tunnel_endpoints0id'"),
)


@scenario.inject()
def start_at_once(cloud: Cloud) -> None:
    """Both agents took the highest id plus one."""
    cloud.execute(
        "neutron",
        "INSERT IGNORE INTO ovs_tunnel_endpoints VALUES ('192.0.2.1', 1)",
        "INSERT INTO ovs_tunnel_endpoints VALUES ('192.0.2.2', 1)",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Ids that occur more than once."""
    if "ovs_tunnel_endpoints" not in cloud.tables("neutron"):
        return
    endpoints = cloud.rows("neutron", "SELECT ip_address, id FROM ovs_tunnel_endpoints ORDER BY id, ip_address")
    taken: set[int] = set()
    again: list[tuple[str, int]] = []
    for address, number in endpoints:
        if number in taken:
            again.append((address, number))
        taken.add(number)
    if not again:
        return
    first = max(taken) + 1
    yield Finding(
        source=scenario.name,
        severity=Severity.ERROR,
        service="neutron",
        place="neutron.ovs_tunnel_endpoints",
        message=f"{len(again)} tunnel endpoints have the id of another",
        consequence="Havana's migration 63afba73813 makes the id unique and stops with 1062",
        evidence=cloud.evidence(
            "neutron",
            "id endpoints addresses",
            "SELECT id, COUNT(*), GROUP_CONCAT(ip_address) FROM ovs_tunnel_endpoints GROUP BY id HAVING COUNT(*) > 1",
        ),
        cure=Cure(
            "give each but the first a new id; the agents must be stopped",
            tuple(
                Sql(
                    "neutron",
                    f"UPDATE ovs_tunnel_endpoints SET id = {new} WHERE ip_address = '{address}' AND id = {number}",
                )
                for new, (address, number) in enumerate(again, first)
            ),
        ),
    )
