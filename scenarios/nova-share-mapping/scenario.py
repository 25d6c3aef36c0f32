"""Epoxy's nova drops the table share_mapping and makes it anew, empty."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding
from osupgrade.model.stage import Stage
from osupgrade.scenarios.contract import Scenario, Silent
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="The rows of share_mapping are lost in nova's d60bddf7a903",
    services=("nova",),
    symptom=Silent("after:epoxy/nova", breaks=("kept",)),
)

SHARE = "5a4e0000-0000-4000-8000-000000000001"
COLUMNS = "created_at, updated_at, uuid, instance_uuid, share_id, status, tag, export_location, share_proto"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A share on an instance."""
    cloud.execute(
        "nova",
        f"INSERT INTO share_mapping (uuid, instance_uuid, share_id, status, tag, export_location, share_proto) SELECT '{SHARE}', "
        "uuid, 'share1', 'active', 'share1', '192.0.2.9:/share1', 'NFS' FROM instances WHERE deleted = 0 AND uuid IS NOT NULL "
        "ORDER BY uuid LIMIT 1",
    )


@scenario.preflight("seeded", "before:epoxy/nova")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Rows that have no copy yet."""
    if "share_mapping_saved" in cloud.tables("nova"):
        return
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.share_mapping",
        columns="instance_uuid share_id status tag",
        query="SELECT instance_uuid, share_id, status, tag FROM share_mapping",
        message="{n} shares are attached to instances",
        consequence="nova's d60bddf7a903 drops the table and makes it anew: nova no longer knows of these shares",
        cure="save the rows, and put them back after the hop",
        statements=("CREATE TABLE share_mapping_saved AS SELECT * FROM share_mapping",),
        at=Stage.before("epoxy/nova"),
    )


@scenario.preflight("after:epoxy/nova")
def saved(cloud: Cloud) -> Iterator[Finding]:
    """Saved rows that wait to be put back."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.share_mapping_saved",
        columns="instance_uuid share_id status tag",
        query="SELECT instance_uuid, share_id, status, tag FROM share_mapping_saved",
        message="{n} saved shares wait to be put back",
        consequence="nova does not know of these shares",
        cure="put the rows back",
        statements=(
            f"INSERT INTO share_mapping ({COLUMNS}) SELECT {COLUMNS} FROM share_mapping_saved",
            "DROP TABLE share_mapping_saved",
        ),
    )


@scenario.probe()
def lost(cloud: Cloud) -> Evidence:
    """The injected share, when the table no longer has it."""
    sql = f"SELECT '{SHARE}' FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM share_mapping WHERE uuid = '{SHARE}')"
    return cloud.evidence("nova", "uuid", sql)
