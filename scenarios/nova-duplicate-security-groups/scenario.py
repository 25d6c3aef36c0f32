"""Nova's removal of duplicates keeps the newest row, and the older security group is the one in use."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Evidence, Finding
from osupgrade.scenarios.contract import Scenario, Silent
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Nova deletes the older of two security groups of one name, though instances are in it",
    services=("nova",),
    symptom=Silent("after:havana/nova", breaks=("instances", "usages")),
)

TWINS = (
    "SELECT DISTINCT g.id old, m.newest FROM security_groups g "
    "JOIN (SELECT project_id, name, deleted, MAX(id) newest FROM security_groups "
    "GROUP BY project_id, name, deleted HAVING COUNT(*) > 1) m "
    "ON m.project_id <=> g.project_id AND m.name <=> g.name AND m.deleted = g.deleted "
    "WHERE g.id <> m.newest"
)
"""Each older duplicate with the one that stays."""


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """Two first requests of one project at the same moment: Grizzly makes its group twice, and goes on with one."""
    if not cloud.value("nova", "SELECT COUNT(*) FROM security_group_instance_association WHERE deleted = 0"):
        cloud.execute(
            "nova",
            "INSERT INTO instances (uuid, project_id, user_id, vcpus, memory_mb, deleted) "
            "VALUES ('in-a-group', 'p', 'u', 1, 512, 0)",
            "INSERT INTO security_groups (name, description, project_id, user_id, deleted) "
            "VALUES ('default', 'default', 'p', 'u', 0)",
            "INSERT INTO security_group_instance_association (security_group_id, instance_uuid, deleted) "
            "VALUES (LAST_INSERT_ID(), 'in-a-group', 0)",
        )
    cloud.execute(
        "nova",
        "INSERT INTO security_groups (created_at, name, description, project_id, user_id, deleted) "
        "SELECT UTC_TIMESTAMP(), name, description, project_id, user_id, 0 FROM security_groups WHERE id = "
        "(SELECT MIN(security_group_id) FROM security_group_instance_association WHERE deleted = 0)",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Older duplicates that instances or rules still point at."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.security_groups",
        needs=("security_group_instance_association", "security_group_rules"),
        columns="older newest used_by",
        query=f"SELECT t.old, t.newest, a.instance_uuid FROM ({TWINS}) t "
        "JOIN security_group_instance_association a ON a.security_group_id = t.old AND a.deleted = 0 "
        f"UNION SELECT t.old, t.newest, CONCAT('rule ', r.id) FROM ({TWINS}) t "
        "JOIN security_group_rules r ON t.old IN (r.parent_group_id, r.group_id) AND r.deleted = 0 ORDER BY 1, 3",
        message="{n} instances and rules point at a security group that exists twice, and not at its newest copy",
        consequence="nova's Havana migrations keep the copy with the highest id and mark the others deleted, silently: "
        "those instances are in no group any more",
        cure="point them at the copy that stays, and delete the others as nova would",
        statements=(
            f"UPDATE security_group_instance_association a JOIN ({TWINS}) t ON a.security_group_id = t.old "
            "SET a.security_group_id = t.newest",
            f"UPDATE security_group_rules r JOIN ({TWINS}) t ON r.parent_group_id = t.old "
            "SET r.parent_group_id = t.newest",
            f"UPDATE security_group_rules r JOIN ({TWINS}) t ON r.group_id = t.old SET r.group_id = t.newest",
            f"UPDATE security_groups g JOIN ({TWINS}) t ON g.id = t.old "
            "SET g.deleted = g.id, g.deleted_at = UTC_TIMESTAMP()",
        ),
    )


@scenario.probe()
def lost(cloud: Cloud) -> Evidence:
    """Instances whose group is deleted."""
    return cloud.evidence(
        "nova",
        "instance group name group_deleted",
        "SELECT a.instance_uuid, g.id, g.name, g.deleted FROM security_group_instance_association a "
        "JOIN security_groups g ON g.id = a.security_group_id JOIN instances i ON i.uuid = a.instance_uuid "
        "WHERE a.deleted = 0 AND g.deleted <> 0 AND i.deleted = 0 ORDER BY 1, 2",
    )
