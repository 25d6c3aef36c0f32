"""Tags that differ only in case were one tag and become two."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.scenarios.contract import Scenario, Silent
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Filters for the tag gold no longer find what is tagged Gold",
    services=("neutron",),
    symptom=Silent("after:gazpacho/neutron"),
)

KEPT = "SELECT LOWER(tag) AS lowered, MIN(BINARY tag) AS kept FROM tags GROUP BY LOWER(tag) HAVING COUNT(DISTINCT BINARY tag) > 1"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """Two objects with two spellings of a tag."""
    for spelling in ("Gold", "gold"):
        cloud.execute(
            "neutron",
            "INSERT INTO standardattributes (resource_type, description, revision_number, created_at, updated_at) "
            "VALUES ('networks', '', 0, '2026-03-01', '2026-03-01')",
            f"INSERT INTO tags (standard_attr_id, tag) VALUES (LAST_INSERT_ID(), '{spelling}')",
        )


@scenario.preflight("seeded", "before:gazpacho/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tags in several spellings."""
    yield from rows_finding(
        scenario,
        cloud,
        place="neutron.tags",
        columns="tag spellings objects",
        query="SELECT LOWER(tag), GROUP_CONCAT(DISTINCT CAST(BINARY tag AS CHAR) COLLATE utf8mb4_bin), COUNT(*) FROM tags "
        "GROUP BY LOWER(tag) HAVING COUNT(DISTINCT BINARY tag) > 1",
        message="{n} tags are spelt in several ways that differ in case",
        consequence="neutron's d553edeb540f makes tags case-sensitive: a filter that found all of them finds one spelling",
        cure="give each tag one spelling, and your scripts the same",
        statements=(f"UPDATE tags JOIN ({KEPT}) AS d ON LOWER(tags.tag) = d.lowered SET tags.tag = d.kept",),
        severity=Severity.WARNING,
    )


@scenario.probe()
def parted(cloud: Cloud) -> Evidence:
    """Tags that the table itself now holds for different although only their case differs."""
    sql = "SELECT DISTINCT a.tag, b.tag FROM tags a JOIN tags b ON LOWER(a.tag) = LOWER(b.tag) AND a.tag < b.tag"
    return cloud.evidence("neutron", "tag other", sql)
