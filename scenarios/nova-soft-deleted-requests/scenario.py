"""Instances that wait to be reclaimed get no request spec, and Rocky's upgrade check asks for one."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import Blocks, Cloud, Cure, Finding, Scenario, Shell, Sql, Stage, counted, finding, require_ok

scenario = Scenario(
    title="Soft-deleted instances have no request spec: nova-status of Rocky exits 2",
    services=("nova",),
    symptom=Blocks("rocky/nova", error=r"Request Spec Migration.{0,200}Failure.*do not have", version="390"),
    universal=True,
)

BEFORE = Stage.before("rocky/nova")
MAKING = ("queens", "pike", "ocata", "newton")
"""Releases whose online data migrations make request specs, the latest first."""
MARKER = "00000000-0000-0000-0000-000000000000"
"""The row of request_specs that notes how far the online migration has looked."""
WAITING = "SELECT i.uuid, i.host, i.updated_at FROM instances i WHERE i.deleted = 0 AND i.vm_state = 'soft-delete' ORDER BY i.uuid"


def _without(cloud: Cloud) -> list[str]:
    """The soft-deleted instances that have no request spec."""
    has = {str(row[0]) for row in cloud.rows("nova_api", "SELECT instance_uuid FROM request_specs")}
    return [str(row[0]) for row in cloud.rows("nova", WAITING) if row[0] not in has]


def _steps(waiting: Sequence[str]) -> tuple[Sql | Shell, ...]:
    places = ", ".join(f":u{number}" for number in range(len(waiting)))
    values = {f"u{number}": uuid for number, uuid in enumerate(waiting)}
    sql = "UPDATE instances SET vm_state = :state WHERE uuid IN ({places})".replace("{places}", places)
    return (
        Sql.of("nova", sql, state="stopped", **values),
        Sql.of("nova_api", "DELETE FROM request_specs WHERE instance_uuid = :marker", marker=MARKER),
        Shell("nova-manage db online_data_migrations"),
        Sql.of("nova", sql, state="soft-delete", **values),
    )


@scenario.preflight(str(BEFORE))
def find(cloud: Cloud) -> Iterator[Finding]:
    """Soft-deleted instances without a request spec, as long as an older release can still make one."""
    if not cloud.has("nova_api") or "request_specs" not in cloud.tables("nova_api"):
        return
    waiting = _without(cloud)
    if waiting:
        yield finding(
            scenario,
            place="nova.instances",
            message=counted(len(waiting), "{n} soft-deleted instance[s] [has|have] no request spec"),
            effect="the online migration skips them silently, `nova-status upgrade check` of Rocky exits 2 "
            "for them, and what it advises changes nothing",
            evidence=cloud.evidence("nova", WAITING),
            cure=Cure(
                "mark them as stopped while the online migration creates their request specs",
                _steps(waiting),
                BEFORE,
            ),
        )


@scenario.cure(str(BEFORE))
def make(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Do what the steps say, with the tool of the release that the cloud comes from."""
    waiting = _without(cloud)
    stopped, forget, _, back = _steps(waiting)
    for step in (stopped, forget):
        assert isinstance(step, Sql)
        cloud.execute(step.service, step.statement)
    try:
        release = next(name for name in MAKING if name in cloud.releases)
        run = cloud.tool(release, "nova", "db online_data_migrations")
        require_ok(run, f"{release}'s online data migrations failed")
    finally:
        assert isinstance(back, Sql)
        cloud.execute(back.service, back.statement)
