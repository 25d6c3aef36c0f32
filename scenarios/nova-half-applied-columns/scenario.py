"""A migration of nova that added its columns and then failed on the data cannot be run again."""

from collections.abc import Iterator, Sequence

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Finding, Severity, Shell
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import bring_back, fail_once, restore_cost

scenario = Scenario(
    title="Nova's 186 is run again on the columns that its first try left",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"1060.*source_type", version="185"),
)

MAPPINGS = 186
"""The migration that gives block_device_mapping its new form."""
LEFT = (
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() "
    "AND table_name IN ('block_device_mapping', 'shadow_block_device_mapping') "
    "AND column_name IN ('source_type', 'destination_type', 'guest_format', 'device_type', 'disk_bus', 'boot_index', "
    "'image_id') ORDER BY 1, 2"
)
BLANK = "DELETE FROM block_device_mapping WHERE instance_uuid = 'blank-root'"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """Havana's real tool fails in 186 on a mapping without a source; the operator then deletes that row."""
    cloud.execute(
        "nova",
        "INSERT INTO instances (uuid, deleted, root_device_name, image_ref, user_id, project_id, vcpus, memory_mb) "
        "VALUES ('blank-root', 0, '/dev/vda', 'img', 'u', 'p', 1, 512)",
        "INSERT INTO block_device_mapping (instance_uuid, device_name, no_device, deleted) "
        "VALUES ('blank-root', '/dev/vda', 1, 0)",
    )
    fail_once(cloud, "havana", "nova", "db sync")
    cloud.execute("nova", BLANK)


@scenario.preflight("seeded", "before:havana/nova")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Columns of 186 in a database that has not come so far."""
    version = cloud.value("nova", "SELECT MAX(version) FROM migrate_version")
    if version is None or version >= MAPPINGS:
        return
    left = cloud.evidence("nova", "table column", LEFT)
    if left.total:
        yield Finding(
            source=scenario.name,
            severity=Severity.ERROR,
            service="nova",
            place="nova.block_device_mapping",
            message=f"nova stands at migration {version}, but {left.total} columns of {MAPPINGS} are there already",
            consequence=f"{MAPPINGS} was tried and stopped half-way; run again it stops with 1060 Duplicate column name; "
            + restore_cost(cloud, "nova"),
            evidence=left,
            cure=Cure(
                "restore the dump from before, mend the data that stopped it, and run it again",
                (Shell("mysql nova < nova-before-havana.sql   # into an empty database"),),
            ),
        )


@scenario.cure("seeded")
def restore(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Bring the database back as it was, without the row that stopped 186."""
    bring_back(cloud, "nova")
    cloud.execute("nova", BLANK)
