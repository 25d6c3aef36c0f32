"""A grant that names a role twice."""

from collections.abc import Iterator

from osupgrade.cloud import Cloud
from osupgrade.keystone import Grant, grants, rewritten
from osupgrade.model import Cure, Evidence, Finding, Severity, Sql
from osupgrade.scenario import Blocks, Scenario

scenario = Scenario(
    title="A grant that names a role twice stops keystone's 039",
    services=("keystone",),
    symptom=Blocks("icehouse/keystone", error=r"1062.*trap-user-trap-project-trap-role", version="38"),
)

DATA = '\'{"roles": ["trap-role", "trap-role"]}\''


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


def broken(grant: Grant) -> bool:
    """The same role id more than once."""
    return len(set(grant.roles)) < len(grant.roles)


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Such grants, in any of the four tables."""
    found = [grant for grant in grants(cloud) if broken(grant)]
    if not found:
        return
    yield Finding(
        source=scenario.name,
        severity=Severity.ERROR,
        service="keystone",
        place=", ".join(sorted({f"keystone.{grant.table}" for grant in found})),
        message=f"{len(found)} grants name a role twice",
        consequence="Icehouse's keystone stops at 039 with 1062; it is left at 38 with rows already moved",
        evidence=Evidence.of(
            ("table", "actor", "target", "data"), [(g.table, g.actor, g.target, g.data) for g in found]
        ),
        cure=Cure(
            "name each role once",
            tuple(Sql("keystone", rewritten(g, tuple(dict.fromkeys(r for r in g.roles if r)))) for g in found),
        ),
        command=f"osupgrade rehearse --cure {scenario.name}",
    )
