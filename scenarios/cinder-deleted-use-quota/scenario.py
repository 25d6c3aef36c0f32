"""Deleted volumes and snapshots without use_quota, which only 2023.2's online migration fills in."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, rows

scenario = Scenario(
    title="Deleted volumes have no use_quota: 2024.1's 9ab1b092a404 stops where 2023.2 was skipped",
    services=("cinder",),
    symptom=Blocks("caracal/cinder", error=r"1265, \"Data truncated for column 'use_quota'|1138, .Invalid use of NULL"),
    hops=(
        "caracal/cinder",
        "dalmatian/cinder",
        "epoxy/cinder",
        "flamingo/cinder",
        "gazpacho/cinder",
        "hibiscus/cinder",
    ),
)

LEFT = (
    "SELECT 'volume' AS kind, id, deleted_at FROM volumes WHERE use_quota IS NULL AND deleted <> 0 "
    "UNION ALL SELECT 'snapshot', id, deleted_at FROM snapshots WHERE use_quota IS NULL AND deleted <> 0 ORDER BY 1, 2"
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A volume that was deleted before use_quota came."""
    cloud.execute(
        "cinder",
        "UPDATE volumes SET deleted = 1, deleted_at = '2021-01-01', status = 'deleted', use_quota = NULL "
        "WHERE deleted = 0 ORDER BY id LIMIT 1",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Deleted rows that were left out; on a route through 2023.2 its own online migration fills them in."""
    if "bobcat" in cloud.releases or "use_quota" not in cloud.columns("cinder", "snapshots"):
        return
    yield from rows(
        scenario,
        cloud,
        place="cinder.volumes.use_quota",
        query=LEFT,
        message="{n} deleted volume[s] or snapshot[s] [has|have] no use_quota",
        effect="2024.1's cinder makes the column mandatory and stops; the online migration of Xena to 2023.1 leaves deleted "
        "rows out, and only 2023.2's fills them in",
        cure="fill it in as 2023.2 does; it counts for nothing on a deleted row",
        statements=(
            "UPDATE volumes SET use_quota = 1 WHERE use_quota IS NULL AND deleted <> 0",
            "UPDATE snapshots SET use_quota = 1 WHERE use_quota IS NULL AND deleted <> 0",
        ),
    )
