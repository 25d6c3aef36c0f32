"""Users whose extra is JSON, but no object."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, is_before, service

keystone = service("keystone")

scenario = Scenario(
    title="A user whose extra is no JSON object stops keystone's 034",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"has no attribute 'pop'", version="33"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What a tool wrote that encodes None, too."""
    cloud.execute("keystone", "UPDATE user SET extra = 'null' ORDER BY id LIMIT 1")


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Users whose extra is no JSON object."""
    if is_before(cloud, "keystone", "34"):
        yield from keystone.extras_finding(
            scenario,
            cloud,
            ("user",),
            message="{n} users have an extra that is no JSON object",
            effect="Havana's keystone stops at 034 with an AttributeError; it is left at 33, with the column default_project_id "
            "added already, so that a second try stops with 1060",
        )
