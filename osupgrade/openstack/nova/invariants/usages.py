"""Quotas keep their limits, and the recorded usage of projects is their real usage.

Grizzly counts by project, and its counts drift; Havana's nova recounts, and by user where there is one
(216_sync_quota_usages.py, 2013.2.4). So what was true of the instances is held against what is said in the end, of those
usages that had a row before: nova makes the others at the next reservation. A usage that is new must be right.
"""

from __future__ import annotations

from osupgrade.checks.same import Facts, facts_of, same
from osupgrade.cloud.cloud import Cloud

_QUOTAS = "SELECT project_id, resource, hard_limit FROM quotas WHERE deleted = 0"
_CLASSES = "SELECT class_name, resource, hard_limit FROM quota_classes WHERE deleted = 0"
_TRUE = (
    "SELECT project_id, 'instances' AS resource, COUNT(*) FROM instances WHERE deleted = 0 GROUP BY 1 "
    "UNION ALL SELECT project_id, 'cores', CAST(SUM(vcpus) AS SIGNED) FROM instances WHERE deleted = 0 GROUP BY 1 HAVING SUM(vcpus) > 0 "
    "UNION ALL SELECT project_id, 'ram', CAST(SUM(memory_mb) AS SIGNED) FROM instances WHERE deleted = 0 GROUP BY 1 HAVING SUM(memory_mb) > 0 "
    "UNION ALL SELECT project_id, 'security_groups', COUNT(*) FROM security_groups WHERE deleted = 0 GROUP BY 1"
)
_COUNTED = (
    f"SELECT t.* FROM ({_TRUE}) t JOIN (SELECT DISTINCT project_id, resource FROM quota_usages WHERE deleted = 0) q "
    "ON BINARY q.project_id = t.project_id AND BINARY q.resource = t.resource"
)
"""The true numbers of what nova counts already."""
_SAID = (
    "SELECT q.project_id, q.resource, CAST(SUM(q.in_use) AS SIGNED) FROM quota_usages q "
    "WHERE q.deleted = 0 AND q.resource IN ('instances', 'cores', 'ram', 'security_groups') "
    "AND (q.user_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM quota_usages u WHERE u.deleted = 0 AND u.project_id = q.project_id AND u.resource = q.resource AND u.user_id IS NOT NULL)) "
    "GROUP BY q.project_id, q.resource HAVING SUM(q.in_use) > 0"
)


def _read(cloud: Cloud) -> Facts:
    by_user = "user_id" in cloud.columns("nova", "quota_usages")
    return facts_of(
        cloud,
        "nova",
        {"quotas": (2, _QUOTAS), "quota classes": (2, _CLASSES), "usages": (2, _SAID if by_user else _COUNTED)},
    )


def _right(cloud: Cloud) -> Facts:
    return facts_of(cloud, "nova", {"usages": (2, _TRUE)})


check = same(
    "usages",
    "Quotas keep their limits, and the usage on record is what projects use",
    ("nova",),
    _read,
    "users are refused what they have room for, or get more than they may",
    may_appear=_right,
)
