"""A port that was trusted is trusted: 5bcb7b31ec7d (2025.1) moves the mark from the binding's profile to a table."""

from __future__ import annotations

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

_IN_PROFILE = (
    "SELECT port_id, JSON_UNQUOTE(JSON_EXTRACT(profile, '$.trusted')) IN ('1', 'true') FROM ml2_port_bindings "
    "WHERE JSON_VALID(profile) AND JSON_EXTRACT(profile, '$.trusted') IS NOT NULL"
)
_OTHER_KEYS = (
    "SELECT port_id, host, CAST(JSON_REMOVE(profile, '$.trusted') AS CHAR) FROM ml2_port_bindings "
    "WHERE JSON_VALID(profile) AND CAST(JSON_REMOVE(profile, '$.trusted') AS CHAR) <> '{}'"
)


def _read(cloud: Cloud) -> Facts:
    moved = "porttrusted" in cloud.tables("neutron")
    marks = "SELECT port_id, trusted FROM porttrusted" if moved else _IN_PROFILE
    return facts_of(cloud, "neutron", {"trusted ports": (1, marks), "other keys of binding profiles": (2, _OTHER_KEYS)})


check = same(
    "trusted",
    "Trusted ports stay trusted, and binding profiles keep their other keys",
    ("neutron",),
    _read,
    "the port's virtual function changes what it may do, or the driver no longer knows its device",
)
