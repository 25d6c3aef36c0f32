"""Endpoints and services put in by hand, without extra."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="A service without extra stops keystone's 042",
    services=("keystone",),
    symptom=Blocks("icehouse/keystone", error=r"TypeError", version="41"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A catalogue put in by hand."""
    cloud.execute(
        "keystone",
        "INSERT INTO service (id, type, extra) VALUES ('trap-service', 'compute', NULL)",
        "INSERT INTO endpoint (id, interface, region, service_id, url, extra) "
        "VALUES ('trap-endpoint', 'public', 'R', 'trap-service', 'http://x', NULL)",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Services and endpoints whose extra is no JSON."""
    yield from rows_finding(
        scenario,
        cloud,
        place="keystone.endpoint",
        needs=("service",),
        columns="table id extra",
        query="SELECT 'service', id, extra FROM service WHERE extra IS NULL OR extra = '' "
        "UNION ALL SELECT 'endpoint', id, extra FROM endpoint WHERE extra IS NULL OR extra = ''",
        message="{n} services and endpoints have no extra",
        consequence="Icehouse's keystone stops at 042 (or 044) with a TypeError; it is left at 41",
        cure="give them an empty one",
        statements=(
            "UPDATE service SET extra = '{}' WHERE extra IS NULL OR extra = ''",
            "UPDATE endpoint SET extra = '{}' WHERE extra IS NULL OR extra = ''",
        ),
    )
