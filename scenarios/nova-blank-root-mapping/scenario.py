"""A block device mapping without a source on the root device."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="A blank block device mapping on the root device stops nova's 186",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"KeyError: 'source_type'", version="185"),
)

BLANK = (
    "block_device_mapping b JOIN instances i ON i.uuid = b.instance_uuid "
    "WHERE b.volume_id IS NULL AND b.snapshot_id IS NULL "
    "AND NOT (COALESCE(b.virtual_name, '') = 'swap' OR COALESCE(b.virtual_name, '') REGEXP '^ephemeral[0-9]+$') "
    "AND TRIM(LEADING '/dev/' FROM b.device_name) = TRIM(LEADING '/dev/' FROM i.root_device_name)"
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """An instance whose image said no_device for the root disk."""
    cloud.execute(
        "nova",
        "INSERT INTO instances (uuid, deleted, root_device_name, image_ref, user_id, project_id, vcpus, memory_mb) "
        "VALUES ('blank-root', 0, '/dev/vda', 'img', 'u', 'p', 1, 512)",
        "INSERT INTO block_device_mapping (instance_uuid, device_name, no_device, deleted) "
        "VALUES ('blank-root', '/dev/vda', 1, 0)",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Mappings with no source at all, on the device that the instance boots from."""
    if not cloud.has("nova") or "virtual_name" not in cloud.columns("nova", "block_device_mapping"):
        return  # 186 was here
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.block_device_mapping",
        needs=("instances",),
        columns="id instance_uuid device_name",
        query=f"SELECT b.id, b.instance_uuid, b.device_name FROM {BLANK}",
        message="{n} block device mappings on a root device have neither volume nor snapshot nor ephemeral disk",
        consequence="nova's 186 stops with KeyError: 'source_type'; nova is left at 185",
        cure="delete them: they map nothing",
        statements=(f"DELETE b FROM {BLANK}",),
    )
