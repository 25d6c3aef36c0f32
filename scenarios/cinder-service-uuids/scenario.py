"""Volumes without a service's uuid: cinder's own upgrade check fails."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="Volumes without a service uuid: cinder-status exits 2",
    services=("cinder",),
    symptom=Blocks("epoxy/cinder", error=r"must have a service UUID", version="9c74c1c6971f"),
)

WITHOUT = "deleted = 0 AND host IS NOT NULL AND service_uuid IS NULL"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A volume from before Queens, whose online migration was never run."""
    cloud.execute("cinder", "UPDATE volumes SET service_uuid = NULL WHERE deleted = 0 ORDER BY id LIMIT 1")


@scenario.preflight("seeded", "before:epoxy/cinder")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Volumes that name no service."""
    yield from rows_finding(
        scenario,
        cloud,
        place="cinder.volumes",
        columns="id host",
        query=f"SELECT id, host FROM volumes WHERE {WITHOUT}",
        message="{n} volumes have no service uuid",
        consequence="cinder-status exits 2: an online migration of long ago was never finished",
        cure="give each volume the uuid of the service on its host",
        statements=(
            "UPDATE volumes v JOIN services s ON s.deleted = 0 AND s.`binary` = 'cinder-volume' "
            "AND s.host = SUBSTRING_INDEX(v.host, '#', 1) SET v.service_uuid = s.uuid "
            "WHERE v.deleted = 0 AND v.service_uuid IS NULL",
        ),
    )
