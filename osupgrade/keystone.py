"""What keystone's checks and scenarios share: Grizzly's four grant tables, each grant a JSON of role ids."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from osupgrade.cloud import Cloud

GRANT_TABLES = {
    "user_project_metadata": ("user_id", "project_id"),
    "user_domain_metadata": ("user_id", "domain_id"),
    "group_project_metadata": ("group_id", "project_id"),
    "group_domain_metadata": ("group_id", "domain_id"),
}
"""Grant tables of keystone 2013.1 and the columns that name the actor and the target."""


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
        """The row's key as SQL. Ids come from keystone itself and hold no quotes; one that does is escaped."""
        actor, target = GRANT_TABLES[self.table]
        return f"{actor} = '{_quoted(self.actor)}' AND {target} = '{_quoted(self.target)}'"


def grants(cloud: Cloud) -> Iterator[Grant]:
    """Every grant of a Grizzly or Havana keystone; nothing where the tables are gone (Icehouse) or not there."""
    there = cloud.tables("keystone")
    for table, (actor, target) in GRANT_TABLES.items():
        if table in there:
            for who, where, data in cloud.rows("keystone", f"SELECT {actor}, {target}, data FROM {table}"):
                yield Grant(table, str(who), str(where), data, _roles(data))


def known_roles(cloud: Cloud) -> frozenset[str]:
    """The ids of all roles."""
    return frozenset(str(row[0]) for row in cloud.rows("keystone", "SELECT id FROM role"))


def rewritten(grant: Grant, roles: tuple[str, ...]) -> str:
    """The statement that gives a grant these roles, in the form that Grizzly writes."""
    data = _quoted(json.dumps({"roles": list(roles)}))
    return f"UPDATE {grant.table} SET data = '{data}' WHERE {grant.where}"


def _roles(data: str | None) -> tuple[str | None, ...]:
    try:
        value = json.loads(data) if data else {}
        if isinstance(value, str):  # encoded twice, as Grizzly's own 020 does
            value = json.loads(value)
    except ValueError:
        return ()
    found = value.get("roles", []) if isinstance(value, dict) else []
    return tuple(r.get("id") if isinstance(r, dict) else r for r in found)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "''")
