"""A migration of nova that stopped halfway cannot be run again: MySQL keeps what it made until then."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import (
    Blocks,
    Cloud,
    Cure,
    Evidence,
    Finding,
    Scenario,
    Shell,
    Sql,
    bring_back,
    counted,
    fail_once,
    finding,
    restore_cost,
)

scenario = Scenario(
    title="Nova's 209 is run again on what its first try left",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"1050.*dump_\w+' already exists", version="208"),
)

PURGE = 209
"""The migration that moves orphans into tables named dump_*."""


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """Havana's real tool fails in 209; the operator has a dump from before."""
    cloud.execute(
        "nova",
        "INSERT INTO instances (uuid, deleted) VALUES (NULL, 0)",
        "INSERT INTO instance_faults (instance_uuid, code, deleted) VALUES ('gone-uuid', 500, 0)",
    )
    fail_once(cloud, "havana", "nova", "db sync")


@scenario.preflight("seeded", "before:havana/nova")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of 209 in a database that has not come so far."""
    version = cloud.value("nova", "SELECT MAX(version) FROM migrate_version") if cloud.has("nova") else None
    left = sorted(table for table in cloud.tables("nova") if table.startswith("dump_")) if version else []
    if left and version < PURGE:
        yield finding(
            scenario,
            place="nova.migrate_version",
            message=counted(
                len(left),
                "nova is at schema version {version}, but {n} table[s] of {migration} already exist[s|]",
                version=version,
                migration=PURGE,
            ),
            effect=f"{PURGE} ran and stopped halfway; if run again, it stops with 1050 on such a table; "
            + restore_cost(cloud, "nova"),
            evidence=Evidence.of(("table",), [(table,) for table in left]),
            cure=Cure(
                "restore the dump from before, fix the data that stopped it, and run it again",
                (
                    Shell("mysql nova < nova-before.sql"),
                    Sql("nova", "DELETE FROM instances WHERE uuid IS NULL"),
                ),
            ),
        )


@scenario.cure("seeded")
def restore(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Bring the database back as it was, without the row that stopped 209."""
    bring_back(cloud, "nova")
    cloud.execute("nova", "DELETE FROM instances WHERE uuid IS NULL")
