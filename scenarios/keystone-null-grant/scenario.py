"""A grant whose data is NULL."""

from collections.abc import Iterator

from osupgrade.cloud import Cloud
from osupgrade.keystone import Grant, grants, rewritten
from osupgrade.model import Cure, Evidence, Finding, Severity, Sql
from osupgrade.scenario import Blocks, Scenario

scenario = Scenario(
    title="A grant without data stops keystone's 029",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"TypeError: expected string or buffer", version="28"),
)

DATA = "NULL"


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
    """No data at all."""
    return grant.data is None


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
        message=f"{len(found)} grants have no data",
        consequence="Havana's keystone stops at 029 with TypeError: expected string or buffer; it is left at 28",
        evidence=Evidence.of(
            ("table", "actor", "target", "data"), [(g.table, g.actor, g.target, g.data) for g in found]
        ),
        cure=Cure("say that they grant nothing", tuple(Sql("keystone", rewritten(g, ())) for g in found)),
        command=f"osupgrade rehearse --cure {scenario.name}",
    )
