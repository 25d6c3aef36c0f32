"""No orphan that was not there before: rows that point at something in another table or another service's database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from osupgrade.checks import Check
from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding, Severity
from osupgrade.model.quoting import quoted
from osupgrade.model.stage import VERIFY
from osupgrade.model.text import counted

_RELATIONS = {
    "nova.instance_system_metadata.instance_uuid": (
        "nova",
        "instance_system_metadata",
        "instance_uuid",
        "",
        "instances",
        "uuid",
    ),
    "nova.instance_faults.instance_uuid": ("nova", "instance_faults", "instance_uuid", "", "instances", "uuid"),
    "nova.instance_actions.instance_uuid": ("nova", "instance_actions", "instance_uuid", "", "instances", "uuid"),
    "nova.block_device_mapping.instance_uuid": (
        "nova",
        "block_device_mapping",
        "instance_uuid",
        "",
        "instances",
        "uuid",
    ),
    "nova.block_device_mapping.volume_id": ("nova", "block_device_mapping", "volume_id", "cinder", "volumes", "id"),
    "nova.instances.project_id": ("nova", "instances", "project_id", "keystone", "project", "id"),
    "nova.instances.user_id": ("nova", "instances", "user_id", "keystone", "user", "id"),
    "nova.instances.image_ref": ("nova", "instances", "image_ref", "glance", "images", "id"),
    "neutron.ports.network_id": ("neutron", "ports", "network_id", "", "networks", "id"),
    "neutron.ports.device_id": ("neutron", "ports", "device_id", "nova", "instances", "uuid"),
    "neutron.networks.tenant_id": ("neutron", "networks", "tenant_id", "keystone", "project", "id"),
    "neutron.floatingips.router_id": ("neutron", "floatingips", "router_id", "", "routers", "id"),
    "cinder.volumes.instance_uuid": ("cinder", "volumes", "instance_uuid", "nova", "instances", "uuid"),
    "cinder.volumes.project_id": ("cinder", "volumes", "project_id", "keystone", "project", "id"),
    "glance.images.owner": ("glance", "images", "owner", "keystone", "project", "id"),
    "keystone.user_group_membership.user_id": ("keystone", "user_group_membership", "user_id", "", "user", "id"),
}
_ONLY = {"neutron.ports.device_id": "AND c.device_owner LIKE 'compute:%'"}


def _census(cloud: Cloud) -> Mapping[str, frozenset[str]]:
    """For each relation that the cloud has both ends of, the keys that point nowhere."""
    found = {}
    for name, (database, child, column, other, parent, key) in _RELATIONS.items():
        abroad = other or database
        if not (cloud.has(database) and cloud.has(abroad)):
            continue
        if child not in cloud.tables(database) or parent not in cloud.tables(abroad):
            continue
        only = _ONLY.get(name, "")
        points = cloud.rows(
            database,
            f"SELECT DISTINCT c.{column} FROM {quoted(child)} c WHERE c.{column} IS NOT NULL AND c.{column} <> '' {only}",
        )
        there = {_key(row[0]) for row in cloud.rows(abroad, f"SELECT {key} FROM {quoted(parent)}")}
        found[name] = frozenset(str(row[0]) for row in points if _key(row[0]) not in there)
    return found


def _key(value: object) -> str:
    """A key as MySQL's usual collations compare it.

    Compared here and not by a join: the two ends may have different collations, for which MySQL uses no index.
    """
    return str(value).rstrip(" ").casefold()


def _compare(cloud: Cloud, before: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    for name, orphans in _census(cloud).items():
        new = sorted(orphans - before.get(name, frozenset()))
        if new:
            yield Finding(
                source=check.name,
                severity=Severity.ERROR,
                service=name.split(".", maxsplit=1)[0],
                place=name,
                message=counted(len(new), "{n} value[s] of {name} refer[s|] to something that is gone", name=name),
                consequence="it existed before the upgrade",
                evidence=Evidence.of(("value",), [(value,) for value in new]),
            )


check = Check(
    name="orphans",
    title="No row that had a parent has lost it",
    services=(),
    stages=(VERIFY,),
    census=_census,
    compare=_compare,
)
