"""What instances take from which host, in placement's own database or in nova's, in which it lived until Stein."""

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

KINDS = {
    "providers": (1, "SELECT uuid, name FROM resource_providers"),
    "inventories": (
        2,
        "SELECT p.uuid, i.resource_class_id, i.total, i.reserved, i.allocation_ratio FROM inventories i "
        "JOIN resource_providers p ON p.id = i.resource_provider_id",
    ),
    "allocations": (
        3,
        "SELECT a.consumer_id, p.uuid, a.resource_class_id, a.used FROM allocations a "
        "JOIN resource_providers p ON p.id = a.resource_provider_id",
    ),
    "consumers": (
        1,
        "SELECT c.uuid, p.external_id, u.external_id FROM consumers c "
        "JOIN projects p ON p.id = c.project_id JOIN users u ON u.id = c.user_id",
    ),
}


def _facts(cloud: Cloud) -> Facts:
    for database in ("placement", "nova_api"):
        if cloud.has(database) and "resource_providers" in cloud.tables(database):
            return facts_of(cloud, database, KINDS)
    return {}


def _completed(cloud: Cloud) -> Facts:
    """Consumers that an online migration makes for allocations that had none."""
    return {"consumers": _facts(cloud).get("consumers", {})}


check = same(
    "placements",
    "What instances take from which host is the same after every hop",
    ("placement",),
    _facts,
    "the scheduler takes a host for fuller or emptier than it is",
    may_appear=_completed,
    every_hop=True,
)
