"""An index that 212 looks for is missing."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="A missing index on migrations stops nova's 212",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"migrations_by_host_nodes_and_status_idx", version="211"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """An index that looked useless."""
    cloud.execute(
        "nova",
        "ALTER TABLE migrations DROP INDEX migrations_by_host_nodes_and_status_idx",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """The index that 212 is going to change."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.migrations",
        columns="missing",
        query="SELECT 'migrations_by_host_nodes_and_status_idx' FROM DUAL WHERE (SELECT version FROM migrate_version) < 212 "
        "AND NOT EXISTS (SELECT 1 FROM information_schema.statistics WHERE table_schema = DATABASE() "
        "AND table_name = 'migrations' AND index_name = 'migrations_by_host_nodes_and_status_idx')",
        message="nova.migrations has lost its index migrations_by_host_nodes_and_status_idx",
        consequence="nova's 212 changes it and stops when it is not there; nova is left at 211",
        cure="make it again",
        statements=(
            "CREATE INDEX migrations_by_host_nodes_and_status_idx ON migrations "
            "(deleted, source_compute(100), dest_compute(100), source_node(100), dest_node(100), status)",
        ),
    )
