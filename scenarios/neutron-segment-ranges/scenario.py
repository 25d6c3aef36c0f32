"""Gazpacho's neutron deletes one of two equal network segment ranges and says nothing."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding
from osupgrade.scenarios.contract import Scenario, Silent
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="One of two projects' equal segment ranges is deleted silently",
    services=("neutron",),
    symptom=Silent("after:gazpacho/neutron", breaks=("kept",)),
)

KEY = "`default`, network_type, BINARY COALESCE(physical_network, ''), minimum, maximum"
SAME = (
    "r.`default` = d.`default` AND r.network_type = d.network_type AND r.minimum = d.minimum AND r.maximum = d.maximum "
    "AND BINARY COALESCE(r.physical_network, '') = BINARY COALESCE(d.physical_network, '')"
)
EQUAL = f"SELECT *, MIN(id) AS kept FROM network_segment_ranges GROUP BY {KEY} HAVING COUNT(*) > 1"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """The same VLAN range for two projects."""
    for number in (1, 2):
        cloud.execute(
            "neutron",
            "INSERT INTO standardattributes (resource_type, description, revision_number, created_at, updated_at) "
            "VALUES ('network_segment_ranges', '', 0, '2026-03-01', '2026-03-01')",
            "INSERT INTO network_segment_ranges "
            "(id, name, `default`, shared, project_id, network_type, physical_network, minimum, maximum, standard_attr_id) "
            f"VALUES ('5e9e0000-0000-4000-8000-00000000000{number}', 'range{number}', 0, 0, REPEAT('{number}', 32), "
            "'vlan', 'physnet1', 2000, 2099, LAST_INSERT_ID())",
        )


@scenario.preflight("seeded", "before:gazpacho/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Ranges that are equal in all that the new constraint compares."""
    yield from rows_finding(
        scenario,
        cloud,
        place="neutron.network_segment_ranges",
        columns="network_type physical_network minimum maximum ranges projects",
        query="SELECT network_type, physical_network, minimum, maximum, GROUP_CONCAT(id), GROUP_CONCAT(project_id) "
        f"FROM network_segment_ranges GROUP BY {KEY} HAVING COUNT(*) > 1",
        message="{n} network segment ranges exist more than once, for several projects",
        consequence="neutron's b1bca967e19d keeps one of each, deletes the others without a word, and their projects lose it",
        cure="make one of each a shared range, which every project may use, and delete the others",
        statements=(
            f"UPDATE network_segment_ranges r JOIN ({EQUAL}) d ON r.id = d.kept SET r.shared = 1, r.project_id = NULL",
            "DELETE a FROM standardattributes a JOIN network_segment_ranges r ON r.standard_attr_id = a.id "
            f"JOIN ({EQUAL}) d ON {SAME} AND r.id <> d.kept",
        ),
    )


@scenario.probe()
def lost(cloud: Cloud) -> Evidence:
    """What the deleted ranges leave behind: their standard attributes."""
    return cloud.evidence(
        "neutron",
        "standard_attr_id",
        "SELECT a.id FROM standardattributes a LEFT JOIN network_segment_ranges r ON r.standard_attr_id = a.id "
        "WHERE a.resource_type = 'network_segment_ranges' AND r.id IS NULL",
    )
