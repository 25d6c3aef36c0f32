"""Users whose extra is JSON, but no object."""

from collections.abc import Iterator

from osupgrade.scenarios import (
    Blocks,
    Cloud,
    Evidence,
    Finding,
    Scenario,
    Severity,
    counted,
    finding,
    is_before,
    service,
)

keystone = service("keystone")

scenario = Scenario(
    title="A user whose extra is not a JSON object stops keystone's 034",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"has no attribute 'pop'", version="33"),
)

PROJECTS = ("default_project_id", "tenantId", "tenant_id")
"""Where a user's default project may be, in the order in which 034 takes it."""


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
            keystone.stops_default_project,
            message="{n} user[s] [has|have] an extra that is not a JSON object",
            effect="Havana's keystone stops at 034 with an AttributeError; it stays at 33, with the column default_project_id "
            "added already, so that a second try stops with 1060",
        )


@scenario.preflight("seeded")
def of_two_projects(cloud: Cloud) -> Iterator[Finding]:
    """Users whose extra names two default projects: 034 keeps one, and nothing says which."""
    if not is_before(cloud, "keystone", "34"):
        return
    found = []
    for user, extra in cloud.rows("keystone", "SELECT id, extra FROM user ORDER BY id"):
        named = [keystone.readable(extra).get(key) for key in PROJECTS]
        if len({str(project) for project in named if project is not None}) > 1:
            found.append((user, *named))
    if found:
        yield finding(
            scenario,
            place="keystone.user",
            message=counted(len(found), "{n} user[s] [has|have] two default projects"),
            effect="Havana's 034 keeps default_project_id, or tenantId if that is missing, and drops the other silently; "
            "if the dropped one is right, write it to default_project_id",
            evidence=Evidence.of(("user", *PROJECTS), found),
            severity=Severity.WARNING,
        )
