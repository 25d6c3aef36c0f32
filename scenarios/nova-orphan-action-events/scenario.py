"""Actions of archived instances whose events nova's 209 forgets."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Events of orphaned instance actions stop nova's 209",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"1451.*instance_actions_events", version="208"),
)

ORPHANS = (
    "instance_actions_events e JOIN instance_actions a ON a.id = e.action_id "
    "LEFT JOIN instances i ON i.uuid = a.instance_uuid WHERE a.instance_uuid IS NOT NULL AND i.id IS NULL"
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What `nova-manage db archive_deleted_rows` leaves of instances that had no system metadata."""
    cloud.execute(
        "nova",
        "INSERT INTO instance_actions (action, instance_uuid, deleted) VALUES ('create', 'gone-uuid', 0)",
        "INSERT INTO instance_actions_events (event, action_id, deleted) "
        "SELECT 'compute__do_build', id, 0 FROM instance_actions WHERE instance_uuid = 'gone-uuid'",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Events of actions whose instance is gone."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.instance_actions_events",
        needs=("instance_actions", "instances"),
        columns="event action instance_uuid",
        query=f"SELECT e.id, a.id, a.instance_uuid FROM {ORPHANS}",
        message="{n} events belong to actions of instances that are gone",
        consequence="nova's 209 deletes the actions and meets 1451 (a foreign key of their events); nova is left at 208",
        cure="delete the events of those actions",
        statements=(f"DELETE e FROM {ORPHANS}",),
    )
