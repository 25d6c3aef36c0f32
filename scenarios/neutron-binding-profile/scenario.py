"""A binding profile that is JSON but no object stops Epoxy's neutron half-way."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="A port binding whose profile is [] stops neutron's 5bcb7b31ec7d",
    services=("neutron",),
    symptom=Blocks(
        "epoxy/neutron",
        error=r"TypeError: pop expected at most 1 argument, got 2",
        version="175fa80908e1, 5c85685d616d",
    ),
)

BROKEN = "profile <> '' AND (NOT JSON_VALID(profile) OR JSON_TYPE(profile) <> 'OBJECT')"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What an orchestration tool once wrote for `no profile`."""
    cloud.execute("neutron", "UPDATE ml2_port_bindings SET profile = '[]' WHERE profile = '' ORDER BY port_id LIMIT 1")


@scenario.preflight("seeded", "before:epoxy/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Profiles that are no JSON object."""
    yield from rows_finding(
        scenario,
        cloud,
        place="neutron.ml2_port_bindings",
        columns="port_id host profile",
        query=f"SELECT port_id, host, profile FROM ml2_port_bindings WHERE {BROKEN}",
        message="{n} port bindings have a profile that is no JSON object",
        consequence="neutron's 5bcb7b31ec7d stops after it made the table porttrusted; a second run stops because the table is there",
        cure="empty these profiles, which say nothing",
        statements=(f"UPDATE ml2_port_bindings SET profile = '' WHERE {BROKEN}",),
    )


@scenario.preflight("before:epoxy/neutron")
def interrupted(cloud: Cloud) -> Iterator[Finding]:
    """What an upgrade that was stopped there has left behind."""
    yield from rows_finding(
        scenario,
        cloud,
        place="neutron.porttrusted",
        columns="revision",
        query="SELECT version_num FROM alembic_version WHERE version_num = '175fa80908e1'",
        message="an earlier upgrade stopped in 5bcb7b31ec7d and left the table porttrusted behind",
        consequence="the next run stops with 1050; marking the revision as done would leave every 'trusted' in the profiles",
        cure="drop the table, which the migration makes and fills anew",
        statements=("DROP TABLE porttrusted",),
    )
