"""A cinder service row without versions keeps cinder-api from starting."""

from collections.abc import Iterator

from osupgrade.scenarios import Cloud, Evidence, Finding, LabFault, Scenario, Silent, rows

scenario = Scenario(
    title="The row of a scheduler that never reported its version stops cinder-api",
    services=("cinder",),
    symptom=Silent("after:gazpacho/cinder"),
)

OLD = "deleted = 0 AND (rpc_current_version IS NULL OR object_current_version IS NULL)"
# Services of Liberty and older report none: where nobody does, nobody is behind the others.
OTHERS = "EXISTS (SELECT 1 FROM services WHERE deleted = 0 AND rpc_current_version IS NOT NULL)"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A scheduler of long ago, never removed."""
    cloud.execute(
        "cinder",
        "INSERT INTO services (created_at, deleted, host, `binary`, topic, report_count, disabled, uuid, frozen) VALUES "
        "('2016-01-01', 0, 'gone', 'cinder-scheduler', 'cinder-scheduler', 1, 0, 'c1dc0000-0000-4000-8000-000000000001', 0)",
    )


@scenario.preflight("seeded", "before:gazpacho/cinder")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Services without versions."""
    if "rpc_current_version" not in cloud.columns("cinder", "services"):
        return
    yield from rows(
        scenario,
        cloud,
        place="cinder.services",
        query=f"SELECT host, `binary`, updated_at FROM services WHERE {OLD} AND {OTHERS}",
        message="{n} service[s] [has|have] never reported a version",
        effect="every tool passes, but cinder-api treats them as services of Liberty and does not start: ServiceTooOld",
        cure="remove them (`cinder-manage service remove BINARY HOST`)",
        statements=(f"UPDATE services SET deleted = 1, deleted_at = UTC_TIMESTAMP() WHERE {OLD}",),
    )


@scenario.probe()
def too_old(cloud: Cloud) -> Evidence:
    """What cinder-api's own client of the scheduler says when it is made."""
    code = (
        "import sys\nfrom cinder import objects, rpc\nfrom cinder.common import config\nfrom oslo_config import cfg\n"
        "cfg.CONF(['--config-file', etc + '/cinder.conf'], project='cinder')\nobjects.register_all()\nrpc.init(cfg.CONF)\n"
        "from cinder.scheduler import rpcapi\nfrom cinder import exception\n"
        "try:\n    rpcapi.SchedulerAPI()\nexcept exception.ServiceTooOld as old:\n    print('TOO OLD:', old)\nelse:\n    print('STARTS')"
    )
    run = cloud.python("gazpacho", "cinder", code)
    last = run.output.strip().splitlines()[-1]
    if not run.ok:
        raise LabFault("cannot ask cinder's scheduler client", evidence=run.output[-2000:])
    return Evidence.of(("answer",), [] if last == "STARTS" else [(last,)])
