"""A migration of nova that added its columns and then failed on the data cannot be run again."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import (
    Blocks,
    Cloud,
    Cure,
    Evidence,
    Finding,
    Scenario,
    Shell,
    bring_back,
    counted,
    fail_once,
    finding,
    restore_cost,
    upstream,
)

scenario = Scenario(
    title="Nova's 186 is run again on the columns that its first try left",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"1060.*source_type", version="185"),
)

MAPPINGS = 186
"""The migration that gives block_device_mapping its new form."""
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
    known = upstream(cloud, "nova")
    added = known.added_columns() if known else {}
    left = sorted(
        (table, column)
        for (table, column), by in added.items()
        if by == str(MAPPINGS) and column in cloud.columns("nova", table)
    )
    if left:
        yield finding(
            scenario,
            place="nova.block_device_mapping",
            message=counted(
                len(left),
                "nova is at schema version {version}, but {n} column[s] of {migration} already exist[s|]",
                version=version,
                migration=MAPPINGS,
            ),
            effect=f"{MAPPINGS} ran and stopped halfway; if run again, it stops with 1060 Duplicate column name; "
            + restore_cost(cloud, "nova"),
            evidence=Evidence.of(("table", "column"), list(left)),
            cure=Cure(
                "restore the dump from before, fix the data that stopped it, and run it again",
                (Shell("mysql nova < nova-before.sql   # into an empty database"),),
            ),
        )


@scenario.cure("seeded")
def restore(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Bring the database back as it was, without the row that stopped 186."""
    bring_back(cloud, "nova")
    cloud.execute("nova", BLANK)
