"""What keystone's checks and scenarios share: Grizzly's four grant tables, each grant a JSON of role ids."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osupgrade.model.text import counted
from osupgrade.scenarios import (
    Cloud,
    Cure,
    Evidence,
    Finding,
    Scenario,
    Sql,
    claimed,
    finding,
    is_before,
    quoted,
    statement,
)

GRANT_TABLES = {
    "user_project_metadata": ("user_id", "project_id"),
    "user_domain_metadata": ("user_id", "domain_id"),
    "group_project_metadata": ("group_id", "project_id"),
    "group_domain_metadata": ("group_id", "domain_id"),
}
"""Grant tables of keystone 2013.1 and the columns that name the actor and the target."""
OBJECTS = "29"
"""The migration that makes an object of each role's id."""
GRANT_TYPES = {
    "user_project_metadata": "UserProject",
    "user_domain_metadata": "UserDomain",
    "group_project_metadata": "GroupProject",
    "group_domain_metadata": "GroupDomain",
}
"""What the table ``assignment`` calls the grants of each of them."""


@dataclass(frozen=True)
class Grant:
    """One row of a grant table. ``data`` is the column as it is; ``roles`` what can be read of it.

    ``objects`` says that the database is past Havana's 029, which makes an object of each role's id.
    """

    table: str
    actor: str
    target: str
    data: str | None
    roles: tuple[str | None, ...]
    objects: bool

    @property
    def twice(self) -> bool:
        """Whether JSON lies in a JSON string, as Grizzly's own 020 leaves it; 029 looks for roles in that text."""
        value = _json(self.data)
        return isinstance(value, str) and "roles" in value

    @property
    def misformed(self) -> bool:
        """Whether 029 or 039 stops at what the column holds, whichever roles it names; ``twice`` is apart."""
        value = _json(self.data)
        if isinstance(value, list | str):
            return isinstance(value, list) and "roles" in value
        if not isinstance(value, dict):
            return True
        roles = value.get("roles", [])
        return not isinstance(roles, list) or any(role is not None and not self._well_formed(role) for role in roles)

    def _well_formed(self, role: object) -> bool:
        if self.objects:
            return isinstance(role, dict) and not isinstance(role.get("id"), dict | list)
        return not isinstance(role, dict | list)


def grants(cloud: Cloud) -> Iterator[Grant]:
    """Every grant of a Grizzly or Havana keystone; nothing where the tables are gone (Icehouse) or not there."""
    there = cloud.tables("keystone")
    found = [
        (table, *row)
        for table, (actor, target) in GRANT_TABLES.items()
        if table in there
        for row in cloud.rows("keystone", f"SELECT {quoted(actor)}, {quoted(target)}, data FROM {quoted(table)}")
    ]
    if claimed(cloud, "keystone"):
        objects = not is_before(cloud, "keystone", OBJECTS)
    else:  # nothing but the grants themselves says it
        objects = any(isinstance(role, dict) for *_, data in found for role in _listed(readable(data)))
    for table, who, where, data in found:
        yield Grant(table, str(who), str(where), data, _roles(data), objects)


def known_roles(cloud: Cloud) -> frozenset[str]:
    """The ids of all roles."""
    return frozenset(str(row[0]) for row in cloud.rows("keystone", "SELECT id FROM role"))


def rewritten(grant: Grant, roles: tuple[str, ...]) -> Sql:
    """The statement that gives a grant these roles, in the form that a database of its version has."""
    actor, target = GRANT_TABLES[grant.table]
    there = readable(grant.data)
    entries = {
        role["id"]: role for role in _listed(there) if isinstance(role, dict) and isinstance(role.get("id"), str)
    }
    written = [entries.get(role, {"id": role}) for role in roles] if grant.objects else list(roles)
    return Sql.of(
        "keystone",
        "UPDATE {table} SET data = :data WHERE {actor} = :who AND {target} = :what",
        table=grant.table,
        data=json.dumps({**there, "roles": written}),
        actor=actor,
        who=grant.actor,
        target=target,
        what=grant.target,
    )


def plant_grant(cloud: Cloud, data: str | None) -> None:
    """A role, a user and a project of their own, all named ``trap-*``, and a grant whose column holds ``data``."""
    cloud.execute(
        "keystone",
        "INSERT INTO role (id, name, extra) VALUES ('trap-role', 'trap-role', '{}')",
        "INSERT INTO user (id, name, extra, enabled, domain_id) VALUES ('trap-user', 'trap-user', '{}', 1, 'default')",
        "INSERT INTO project (id, name, extra, enabled, domain_id) "
        "VALUES ('trap-project', 'trap-project', '{}', 1, 'default')",
        statement(
            "INSERT INTO user_project_metadata (user_id, project_id, data) VALUES ('trap-user', 'trap-project', :data)",
            data=data,
        ),
    )


def grants_finding(
    scenario: Scenario,
    cloud: Cloud,
    broken: Callable[[Grant], bool],
    *,
    message: str,
    effect: str,
    cure: str,
    roles: Callable[[Grant], tuple[str, ...]],
) -> Iterator[Finding]:
    """At most one finding: the ``broken`` grants of all four tables; rewriting each with its ``roles`` cures it."""
    found = [grant for grant in grants(cloud) if broken(grant)]
    if not found:
        return
    yield finding(
        scenario,
        place=", ".join(sorted({f"keystone.{grant.table}" for grant in found})),
        message=counted(len(found), f"{{n}} {message}"),
        effect=effect,
        evidence=Evidence.of(
            ("table", "actor", "target", "data"), [(g.table, g.actor, g.target, g.data) for g in found]
        ),
        cure=Cure(cure, tuple(rewritten(grant, roles(grant)) for grant in found)),
    )


def extras_finding(
    scenario: Scenario,
    cloud: Cloud,
    tables: Sequence[str],
    stops: Callable[[str | None], bool],
    *,
    message: str,
    effect: str,
) -> Iterator[Finding]:
    """At most one finding: rows of ``tables`` at whose ``extra`` a migration ``stops``.

    What can be read of it (JSON within JSON, what Python prints of a dictionary) is kept, the rest becomes an empty one.
    """
    there = cloud.tables("keystone")
    found = [
        (table, str(key), extra)
        for table in tables
        if table in there
        for key, extra in cloud.rows("keystone", statement("SELECT id, extra FROM {table} ORDER BY id", table=table))
        if stops(extra)
    ]
    if found:
        yield finding(
            scenario,
            place=f"keystone.{found[0][0]}",
            message=counted(len(found), message),
            effect=effect,
            evidence=Evidence.of(("table", "id", "extra"), list(found)),
            cure=Cure(
                "write what can be read as a JSON object, and an empty object otherwise",
                tuple(
                    Sql.of(
                        "keystone",
                        "UPDATE {table} SET extra = :extra WHERE id = :id",
                        table=table,
                        extra=json.dumps(readable(extra)),
                        id=key,
                    )
                    for table, key, extra in found
                ),
            ),
        )


def stops_default_project(extra: str | None) -> bool:
    """Whether 034 (Havana), which takes the default project out of a user's ``extra``, stops at this one.

    It leaves what is no JSON alone, and a list by chance.
    """
    try:
        value = json.loads(extra or "")
    except (ValueError, RecursionError):
        return False
    return not isinstance(value, dict | list)


def stops_enabled(extra: str | None) -> bool:
    """Whether 042 or 044 (Icehouse), which take ``enabled`` out of an ``extra``, stop at this one."""
    value = _json(extra)
    if isinstance(value, list | str):
        return "enabled" in value
    return not isinstance(value, dict)


def readable(extra: str | None) -> dict[str, object]:
    """The dictionary that an ``extra`` was meant to be; an empty one where that is unknown."""
    value = _json(extra)
    if isinstance(value, str):
        value = _json(value)
    if value is None and extra:
        try:
            value = ast.literal_eval(extra)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
    if not isinstance(value, dict):
        return {}
    try:
        plain = json.loads(json.dumps(value))
    except (ValueError, TypeError):  # bytes, sets
        return {}
    return plain if isinstance(plain, dict) else {}


def _json(text: str | None) -> object:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def _roles(data: str | None) -> tuple[str | None, ...]:
    return tuple(_id(role) for role in _listed(readable(data)))


def _id(role: object) -> str | None:
    """The id of a role in any form, also where 029 has made an object of what was one already."""
    while isinstance(role, dict):
        role = role.get("id")
    return role if role is None or isinstance(role, str) else json.dumps(role)


def _listed(data: Mapping[str, object]) -> list[Any]:
    """The roles of a grant as a list, whatever a hand made of it."""
    roles = data.get("roles")
    return roles if isinstance(roles, list) else [roles] if isinstance(roles, str | dict) and roles else []
