"""Nova's 186 adds a mapping for the image of each instance, and leaves its `deleted` NULL."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.model.stage import Stage
from osupgrade.scenarios.contract import Scenario, Silent

scenario = Scenario(
    title="The image mappings that nova's 186 inserts are invisible to nova",
    services=("nova",),
    symptom=Silent("after:havana/nova"),
    universal=True,
)

CONSEQUENCE = (
    "nova asks for `deleted = 0` and never sees them: an instance with other disks has no mapping of its root disk, "
    "and the rows outlive the instance"
)
CURE = Cure(
    "give them the `deleted` of their instance",
    (
        Sql(
            "nova",
            "UPDATE block_device_mapping b JOIN instances i ON i.uuid = b.instance_uuid "
            "SET b.deleted = IF(i.deleted = 0, 0, b.id), b.deleted_at = i.deleted_at, "
            "b.created_at = COALESCE(b.created_at, i.created_at, UTC_TIMESTAMP()) "
            "WHERE b.source_type = 'image' AND b.deleted IS NULL",
        ),
    ),
    Stage.after("havana/nova"),
)
LATE = Cure(CURE.summary, CURE.steps, Stage.after("icehouse/nova"))


@scenario.preflight("seeded")
def foresee(cloud: Cloud) -> Iterator[Finding]:
    """Instances from an image that have a mapping; 186 gives each of them one more."""
    if not cloud.has("nova") or "source_type" in cloud.columns("nova", "block_device_mapping"):
        return
    if not {"block_device_mapping", "instances"} <= cloud.tables("nova"):
        return
    evidence = cloud.evidence(
        "nova",
        "instance image mappings",
        "SELECT i.uuid, i.image_ref, COUNT(*) FROM instances i JOIN block_device_mapping b ON b.instance_uuid = i.uuid "
        "WHERE i.image_ref <> '' GROUP BY i.uuid, i.image_ref ORDER BY 1",
    )
    if evidence.total:
        yield _finding(Severity.INFO, f"{evidence.total} instances will get a mapping of their image", evidence, CURE)


@scenario.preflight("after:havana/nova")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Image mappings that are neither live nor deleted."""
    yield from _invisible(cloud, CURE)


@scenario.preflight("after:icehouse/nova")
def find_late(cloud: Cloud) -> Iterator[Finding]:
    """The same where Havana's migrations ran out of Icehouse's tool."""
    yield from _invisible(cloud, LATE)


@scenario.probe()
def invisible(cloud: Cloud) -> Evidence:
    """Image mappings that are neither live nor deleted."""
    if "source_type" not in cloud.columns("nova", "block_device_mapping"):
        return Evidence.of((), [])
    return cloud.evidence(
        "nova",
        "id instance image deleted created_at",
        "SELECT id, instance_uuid, image_id, deleted, created_at FROM block_device_mapping "
        "WHERE source_type = 'image' AND deleted IS NULL ORDER BY id",
    )


def _invisible(cloud: Cloud, cure: Cure) -> Iterator[Finding]:
    evidence = invisible(cloud)
    if evidence.total:
        message = f"{evidence.total} mappings of images have no `deleted`"
        yield _finding(Severity.ERROR, message, evidence, cure)


def _finding(severity: Severity, message: str, evidence: Evidence, cure: Cure) -> Finding:
    return Finding(
        source=scenario.name,
        severity=severity,
        service="nova",
        place="nova.block_device_mapping",
        message=message,
        consequence=CONSEQUENCE,
        evidence=evidence,
        cure=cure,
        command=f"osupgrade rehearse --cure {scenario.name}",
    )
