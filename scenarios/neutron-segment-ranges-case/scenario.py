"""Two segment ranges that differ only in the case of the physical network stop Gazpacho's neutron."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Segment ranges on physnet1 and PhysNet1 stop neutron's b1bca967e19d",
    services=("neutron",),
    symptom=Blocks(
        "gazpacho/neutron",
        error=r"1062.*Duplicate entry.*uniq_network_segment_ranges",
        version="5c85685d616d, d553edeb540f",
    ),
)

KEY = "`default`, network_type, LOWER(COALESCE(physical_network, '')), minimum, maximum"
VARIANTS = f"GROUP BY {KEY} HAVING COUNT(DISTINCT BINARY COALESCE(physical_network, '')) > 1"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """The same range on two spellings of one physical network."""
    for number, name in ((1, "physnet1"), (2, "PhysNet1")):
        cloud.execute(
            "neutron",
            "INSERT INTO standardattributes (resource_type, description, revision_number, created_at, updated_at) "
            "VALUES ('network_segment_ranges', '', 0, '2026-03-01', '2026-03-01')",
            "INSERT INTO network_segment_ranges "
            "(id, name, `default`, shared, project_id, network_type, physical_network, minimum, maximum, standard_attr_id) "
            f"VALUES ('5e9e0000-0000-4000-8000-0000000000c{number}', 'range{number}', 0, 0, REPEAT('{number}', 32), "
            f"'vlan', '{name}', 400, 450, LAST_INSERT_ID())",
        )


@scenario.preflight("seeded", "before:gazpacho/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Ranges that the migration holds for different and the constraint for equal."""
    spellings = f"SELECT *, MIN(id) AS kept FROM network_segment_ranges {VARIANTS}"
    yield from rows_finding(
        scenario,
        cloud,
        place="neutron.network_segment_ranges",
        columns="network_type spellings minimum maximum ranges",
        query="SELECT network_type, GROUP_CONCAT(physical_network), minimum, maximum, GROUP_CONCAT(id) "
        f"FROM network_segment_ranges {VARIANTS}",
        message="{n} network segment ranges differ in nothing but the case of the physical network",
        consequence="neutron's b1bca967e19d stops with 1062; neutron is left at d553edeb540f, its tags already converted",
        cure="keep one of each and delete the others; where both spellings are in use, make the limits differ instead",
        statements=(
            "DELETE a FROM standardattributes a JOIN network_segment_ranges r ON r.standard_attr_id = a.id "
            f"JOIN ({spellings}) d ON r.`default` = d.`default` AND r.network_type = d.network_type "
            "AND r.minimum = d.minimum AND r.maximum = d.maximum AND r.id <> d.kept "
            "AND LOWER(COALESCE(r.physical_network, '')) = LOWER(COALESCE(d.physical_network, ''))",
        ),
    )
