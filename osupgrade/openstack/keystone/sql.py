"""What keystone's checks and scenarios share: Grizzly's four grant tables, each grant a JSON of role ids."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from osupgrade.scenarios import Cloud, Cure, Evidence, Finding, Scenario, Sql, finding, quoted, statement

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


def grants(cloud: Cloud) -> Iterator[Grant]:
    """Every grant of a Grizzly or Havana keystone; nothing where the tables are gone (Icehouse) or not there."""
    there = cloud.tables("keystone")
    for table, (actor, target) in GRANT_TABLES.items():
        if table in there:
            for who, where, data in cloud.rows(
                "keystone", f"SELECT {quoted(actor)}, {quoted(target)}, data FROM {quoted(table)}"
            ):
                yield Grant(table, str(who), str(where), data, _roles(data))


def known_roles(cloud: Cloud) -> frozenset[str]:
    """The ids of all roles."""
    return frozenset(str(row[0]) for row in cloud.rows("keystone", "SELECT id FROM role"))


def rewritten(grant: Grant, roles: tuple[str, ...]) -> Sql:
    """The statement that gives a grant these roles, in the form that Grizzly writes."""
    actor, target = GRANT_TABLES[grant.table]
    return Sql.of(
        "keystone",
        "UPDATE {table} SET data = :data WHERE {actor} = :who AND {target} = :what",
        table=grant.table,
        data=json.dumps({"roles": list(roles)}),
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
        message=f"{len(found)} {message}",
        effect=effect,
        evidence=Evidence.of(
            ("table", "actor", "target", "data"), [(g.table, g.actor, g.target, g.data) for g in found]
        ),
        cure=Cure(cure, tuple(rewritten(grant, roles(grant)) for grant in found)),
    )


def extras_finding(
    scenario: Scenario, cloud: Cloud, tables: Sequence[str], *, message: str, effect: str
) -> Iterator[Finding]:
    """At most one finding: rows of ``tables`` whose ``extra`` is no JSON object, as a tool or a hand wrote it.

    What can be read of it (JSON within JSON, what Python prints of a dictionary) is kept, the rest becomes an empty one.
    """
    there = cloud.tables("keystone")
    found = [
        (table, str(key), extra)
        for table in tables
        if table in there
        for key, extra in cloud.rows("keystone", statement("SELECT id, extra FROM {table} ORDER BY id", table=table))
        if not isinstance(_json(extra), dict)
    ]
    if found:
        yield finding(
            scenario,
            place=f"keystone.{found[0][0]}",
            message=message.replace("{n}", str(len(found))),
            effect=effect,
            evidence=Evidence.of(("table", "id", "extra"), list(found)),
            cure=Cure(
                "write what can be read of it as a JSON object, and an empty one where nothing can",
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
    try:
        value = json.loads(data) if data else {}
        if isinstance(value, str):  # encoded twice, as Grizzly's own 020 does
            value = json.loads(value)
    except (ValueError, RecursionError):
        return ()
    found = value.get("roles", []) if isinstance(value, dict) else []
    return tuple(r.get("id") if isinstance(r, dict) else r for r in found)
