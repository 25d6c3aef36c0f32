"""A database that met Havana with the wrong core plugin has no portbindingports, which migrate_to_ml2 reads."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Finding, Severity, Sql
from osupgrade.scenarios.contract import Blocks, Scenario

scenario = Scenario(
    title="migrate_to_ml2 stops because portbindingports is not there",
    services=("neutron",),
    symptom=Blocks(
        "ml2",
        error=r"1146, \"Table '[^']*portbindingports' doesn't exist",
        version="icehouse",
    ),
)


@scenario.inject("before:ml2")
def drop(cloud: Cloud) -> None:
    """As a Havana migration leaves it that ran with another core_plugin."""
    cloud.execute("neutron", "DROP TABLE portbindingports")


@scenario.preflight("seeded", "before:ml2")
def find(cloud: Cloud) -> Iterator[Finding]:
    """A database of Havana or Icehouse, still the old plugin's, without the table."""
    tables = cloud.tables("neutron")
    stamp = cloud.versions("neutron", "alembic_version")
    if (
        "ovs_network_bindings" not in tables
        or "portbindingports" in tables
        or stamp not in (("havana",), ("icehouse",))
    ):
        return
    yield Finding(
        source=scenario.name,
        severity=Severity.ERROR,
        service="neutron",
        place="neutron.portbindingports",
        message=f"neutron is stamped {stamp[0]} and has no table portbindingports",
        consequence="migrate_to_ml2 stops after it has filled the segments, and cannot simply be run again",
        evidence=cloud.evidence("neutron", "alembic_version", "SELECT version_num FROM alembic_version"),
        cure=Cure(
            "make the table as Havana's migration 176a85fc7d79 does",
            (
                Sql(
                    "neutron",
                    "CREATE TABLE IF NOT EXISTS portbindingports (port_id VARCHAR(36) NOT NULL, "
                    "host VARCHAR(255) NOT NULL, PRIMARY KEY (port_id), "
                    "FOREIGN KEY (port_id) REFERENCES ports (id) ON DELETE CASCADE)",
                ),
            ),
        ),
    )
