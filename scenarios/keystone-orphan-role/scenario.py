"""A grant that names a role which is gone."""

from collections.abc import Iterator

from osupgrade.cloud import Cloud
from osupgrade.keystone import Grant, grants, known_roles, rewritten
from osupgrade.model import Cure, Evidence, Finding, Severity, Sql
from osupgrade.scenario import Blocks, Scenario

scenario = Scenario(
    title="A grant of a role that is gone stops keystone's 039",
    services=("keystone",),
    symptom=Blocks("icehouse/keystone", error=r"1452.*assignment", version="38"),
)

DATA = '\'{"roles": ["trap-role", "gone-role"]}\''


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A user of his own with such a grant."""
    cloud.execute(
        "keystone",
        "INSERT INTO role (id, name, extra) VALUES ('trap-role', 'trap-role', '{}')",
        "INSERT INTO user (id, name, extra, enabled, domain_id) VALUES ('trap-user', 'trap-user', '{}', 1, 'default')",
        "INSERT INTO project (id, name, extra, enabled, domain_id) VALUES ('trap-project', 'trap-project', '{}', 1, 'default')",
        f"INSERT INTO user_project_metadata (user_id, project_id, data) VALUES ('trap-user', 'trap-project', {DATA})",
    )


def broken(grant: Grant, roles: frozenset[str]) -> bool:
    """A role id that no role has."""
    return any(role is not None and role not in roles for role in grant.roles)


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Such grants, in any of the four tables."""
    roles = known_roles(cloud)
    found = [grant for grant in grants(cloud) if broken(grant, roles)]
    if not found:
        return
    yield Finding(
        source=scenario.name,
        severity=Severity.ERROR,
        service="keystone",
        place=", ".join(sorted({f"keystone.{grant.table}" for grant in found})),
        message=f"{len(found)} grants name a role that is gone",
        consequence="Icehouse's keystone stops at 039 with 1452 (assignment has a foreign key onto role); it is left at 38 with rows already moved",
        evidence=Evidence.of(
            ("table", "actor", "target", "data"), [(g.table, g.actor, g.target, g.data) for g in found]
        ),
        cure=Cure(
            "take the missing roles out of the grants",
            tuple(Sql("keystone", rewritten(g, tuple(r for r in g.roles if r in roles))) for g in found),
        ),
        command=f"osupgrade rehearse --cure {scenario.name}",
    )
