"""A shadow table that 183 wants to make is there."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="A shadow table that exists already stops nova's 183",
    services=("nova",),
    symptom=Blocks(
        "havana/nova", error=r"Shadow table with name shadow_security_group_default_rules already exists", version="182"
    ),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """Made by hand for an archiving job."""
    cloud.execute(
        "nova",
        "CREATE TABLE shadow_security_group_default_rules LIKE security_group_default_rules",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """The table that 183 is going to make."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.shadow_security_group_default_rules",
        columns="table rows",
        query="SELECT 'shadow_security_group_default_rules', COUNT(*) FROM shadow_security_group_default_rules "
        "WHERE (SELECT version FROM migrate_version) < 183 "
        "HAVING (SELECT version FROM migrate_version) < 183",
        message="the shadow table of security_group_default_rules is there already",
        consequence="nova's 183 refuses to make it again; nova is left at 182",
        cure="move it out of the way; 183 makes the right one",
        statements=("RENAME TABLE shadow_security_group_default_rules TO own_shadow_security_group_default_rules",),
    )
