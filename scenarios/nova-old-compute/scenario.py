"""A dead compute service's row keeps Gazpacho's nova from starting."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="The row of a compute host that died before 2025.1 stops 2026.1's nova",
    services=("nova",),
    symptom=Blocks(
        "gazpacho/nova",
        # nova-status wraps the sentence in a table.
        error=r"does not support computes older than[\s|]+Epoxy.*supported service level is[\s|]+68",
    ),
)

OLD = "services.deleted = 0 AND services.`binary` = 'nova-compute' AND services.version < 68"
EMPTY = "NOT EXISTS (SELECT 1 FROM instances i WHERE i.host = services.host AND i.deleted = 0)"
NOTE = "SELECT services.host, services.version, services.last_seen_up, COUNT(i.id) FROM services LEFT JOIN instances i ON i.host = services.host AND i.deleted = 0"
MESSAGE = "{n} compute services are older than 2025.1"
CONSEQUENCE = "nova-status of 2026.1 exits 2 and nova-api does not start: TooOldComputeService"
CURE = "delete the services that hold no instance (`openstack compute service delete`); upgrade the other hosts first"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A host that was taken away a year ago."""
    cloud.execute(
        "nova",
        "INSERT INTO services (created_at, host, `binary`, topic, report_count, disabled, forced_down, deleted, "
        "last_seen_up, version, uuid) VALUES ('2024-06-01', 'gone', 'nova-compute', 'compute', 1, 0, 0, 0, "
        "'2025-03-01', 67, '01dc0000-0000-4000-8000-000000000001')",
    )


@scenario.preflight("seeded", "before:epoxy/nova")
def find_dead(cloud: Cloud) -> Iterator[Finding]:
    """Services that no longer report; the living ones will report the release to which they are upgraded."""
    dead = f"{OLD} AND (services.last_seen_up IS NULL OR services.last_seen_up < (SELECT MAX(last_seen_up) - INTERVAL 1 DAY FROM services))"
    yield from _too_old(cloud, dead)


@scenario.preflight("before:gazpacho/nova")
def find_old(cloud: Cloud) -> Iterator[Finding]:
    """Everything that is too old when the time has come."""
    yield from _too_old(cloud, OLD)


def _too_old(cloud: Cloud, which: str) -> Iterator[Finding]:
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.services",
        columns="host version last_seen_up instances",
        query=f"{NOTE} WHERE {which} GROUP BY services.id",
        message=MESSAGE,
        consequence=CONSEQUENCE,
        cure=CURE,
        statements=(
            f"UPDATE services SET deleted = id, deleted_at = UTC_TIMESTAMP() WHERE {OLD} AND {EMPTY} AND id IN "
            f"(SELECT id FROM (SELECT id FROM services WHERE {which}) AS old)",
        ),
    )
