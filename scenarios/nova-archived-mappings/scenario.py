"""An archived instance whose block device mappings were archived with it."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="The mappings of an archived instance stop nova's 186",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"1452.*block_device_mapping_instance_uuid_fkey", version="185"),
)

ARCHIVED = (
    "shadow_block_device_mapping b JOIN shadow_instances s ON s.uuid = b.instance_uuid AND s.image_ref <> '' "
    "LEFT JOIN instances i ON i.uuid = s.uuid WHERE i.uuid IS NULL"
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """An instance of Folsom from an image, with a volume, deleted and archived: it has no system metadata to hold it."""
    cloud.execute(
        "nova",
        "INSERT INTO shadow_instances (id, uuid, image_ref, root_device_name, vm_state, deleted) "
        "SELECT COALESCE(MAX(id), 0) + 1, 'archived', 'an-image', '/dev/vda', 'deleted', 1 FROM shadow_instances",
        "INSERT INTO shadow_block_device_mapping (id, instance_uuid, device_name, volume_id, deleted) "
        "SELECT COALESCE(MAX(id), 0) + 1, 'archived', '/dev/vdb', 'a-volume', 1 FROM shadow_block_device_mapping",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Archived mappings of archived instances from images, as long as 186 has not run."""
    if cloud.has("nova") and "source_type" in cloud.columns("nova", "block_device_mapping"):
        return
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.shadow_block_device_mapping",
        needs=("shadow_instances", "instances"),
        columns="id instance_uuid image_ref",
        query=f"SELECT b.id, b.instance_uuid, s.image_ref FROM {ARCHIVED} ORDER BY b.id",
        message="{n} archived block device mappings belong to instances from images that are archived too",
        consequence="nova's 186 stops with 1452: it gives each of these instances a mapping of its image in the table "
        "of the living, where the foreign key knows no such instance; nova is left at 185",
        cure="delete them: nova's code reads no archived mapping",
        statements=(f"DELETE b FROM {ARCHIVED}",),
    )
