"""A user whose live instances have no number of CPUs."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Instances without vcpus stop nova's 216",
    services=("nova",),
    symptom=Blocks("havana/nova", error=r"1048.*in_use", version="215"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """An instance of unknown size, of a user who has a usage row."""
    cloud.execute(
        "nova",
        "INSERT INTO instances (uuid, deleted, user_id, project_id) VALUES ('no-size', 0, 'no-size-user', 'no-size-project')",
        "INSERT INTO quota_usages (project_id, resource, in_use, reserved, deleted) "
        "VALUES ('no-size-project', 'instances', 1, 0, 0)",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Users of a project none of whose live instances has a size."""
    yield from rows_finding(
        scenario,
        cloud,
        place="nova.instances",
        columns="user_id project_id instances",
        query="SELECT user_id, project_id, COUNT(*) FROM instances WHERE deleted = 0 "
        "GROUP BY 1, 2 HAVING SUM(vcpus) IS NULL OR SUM(memory_mb) IS NULL",
        message="{n} users have only instances without vcpus or memory",
        consequence="nova's 216 writes their sum, NULL, into quota_usages and meets 1048; nova is left at 215",
        cure="say that they use nothing",
        statements=(
            "UPDATE instances SET vcpus = COALESCE(vcpus, 0), memory_mb = COALESCE(memory_mb, 0) WHERE deleted = 0",
        ),
    )
