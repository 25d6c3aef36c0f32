"""What keystone's checks and scenarios share: Grizzly's four grant tables, each grant a JSON of role ids."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.model.quoting import literal, quoted
from osupgrade.scenarios.contract import Scenario
from osupgrade.schema.catalogue import lineage

GRANT_TABLES = {
    "user_project_metadata": ("user_id", "project_id"),
    "user_domain_metadata": ("user_id", "domain_id"),
    "group_project_metadata": ("group_id", "project_id"),
    "group_domain_metadata": ("group_id", "domain_id"),
}
"""Grant tables of keystone 2013.1 and the columns that name the actor and the target."""

UPSTREAM = ", ".join(
    literal(table) for table in sorted(set().union(*(r.schema.names for r in lineage("keystone").revisions)))
)
"""The tables of keystone's own, as a list in SQL: whatever else lies in its database is the operator's."""
NOT_UTF8 = (
    "FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' "
    "AND table_collation NOT LIKE '%utf8%'"
)
"""Tables at which Icehouse's keystone refuses to migrate, after what is selected of them."""


@dataclass(frozen=True)
class Grant:
    """One row of a grant table. ``data`` is the column as it is; ``roles`` what can be read of it."""

    table: str
    actor: str
    target: str
    data: str | None
    roles: tuple[str | None, ...]

    @property
    def where(self) -> str:
        """The row's key as SQL."""
        actor, target = GRANT_TABLES[self.table]
        return f"{actor} = {literal(self.actor)} AND {target} = {literal(self.target)}"


def grants(cloud: Cloud) -> Iterator[Grant]:
    """Every grant of a Grizzly or Havana keystone; nothing where the tables are gone (Icehouse) or not there."""
    there = cloud.tables("keystone")
    for table, (actor, target) in GRANT_TABLES.items():
        if table in there:
            for who, where, data in cloud.rows("keystone", f"SELECT {actor}, {target}, data FROM {quoted(table)}"):
                yield Grant(table, str(who), str(where), data, _roles(data))


def known_roles(cloud: Cloud) -> frozenset[str]:
    """The ids of all roles."""
    return frozenset(str(row[0]) for row in cloud.rows("keystone", "SELECT id FROM role"))


def rewritten(grant: Grant, roles: tuple[str, ...]) -> str:
    """The statement that gives a grant these roles, in the form that Grizzly writes."""
    data = literal(json.dumps({"roles": list(roles)}))
    return f"UPDATE {quoted(grant.table)} SET data = {data} WHERE {grant.where}"


def plant_grant(cloud: Cloud, data: str | None) -> None:
    """A role, a user and a project of their own, all named ``trap-*``, and a grant whose column holds ``data``."""
    value = literal(data)
    cloud.execute(
        "keystone",
        "INSERT INTO role (id, name, extra) VALUES ('trap-role', 'trap-role', '{}')",
        "INSERT INTO user (id, name, extra, enabled, domain_id) VALUES ('trap-user', 'trap-user', '{}', 1, 'default')",
        "INSERT INTO project (id, name, extra, enabled, domain_id) "
        "VALUES ('trap-project', 'trap-project', '{}', 1, 'default')",
        f"INSERT INTO user_project_metadata (user_id, project_id, data) VALUES ('trap-user', 'trap-project', {value})",
    )


def grants_finding(
    scenario: Scenario,
    cloud: Cloud,
    broken: Callable[[Grant], bool],
    *,
    message: str,
    consequence: str,
    cure: str,
    roles: Callable[[Grant], tuple[str, ...]],
) -> Iterator[Finding]:
    """At most one finding: the ``broken`` grants of all four tables; rewriting each with its ``roles`` cures it."""
    found = [grant for grant in grants(cloud) if broken(grant)]
    if not found:
        return
    yield Finding(
        source=scenario.name,
        severity=Severity.ERROR,
        service="keystone",
        place=", ".join(sorted({f"keystone.{grant.table}" for grant in found})),
        message=f"{len(found)} {message}",
        consequence=consequence,
        evidence=Evidence.of(
            ("table", "actor", "target", "data"), [(g.table, g.actor, g.target, g.data) for g in found]
        ),
        cure=Cure(cure, tuple(Sql("keystone", rewritten(grant, roles(grant))) for grant in found)),
        command=f"osupgrade rehearse --cure {scenario.name}",
    )


def _roles(data: str | None) -> tuple[str | None, ...]:
    try:
        value = json.loads(data) if data else {}
        if isinstance(value, str):  # encoded twice, as Grizzly's own 020 does
            value = json.loads(value)
    except ValueError:
        return ()
    found = value.get("roles", []) if isinstance(value, dict) else []
    return tuple(r.get("id") if isinstance(r, dict) else r for r in found)
