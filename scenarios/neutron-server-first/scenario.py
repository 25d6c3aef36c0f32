"""Havana's neutron-server makes the tables that it misses; db-manage then stops at the first that is there."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.errors import LabFault
from osupgrade.model.finding import Cure, Evidence, Finding, Severity, Sql
from osupgrade.openstack.neutron.sql import server
from osupgrade.scenarios.contract import Blocks, Scenario

scenario = Scenario(
    title="neutron-server was started before neutron-db-manage",
    services=("neutron",),
    symptom=Blocks(
        "havana/neutron", error=r"1050, \"Table 'portbindingports' already exists\"", version="f489cf14a79c"
    ),
)

LATER = ("allowedaddresspairs", "extradhcpopts", "portbindingports")
"""Tables that Havana's migrations make and that Grizzly's plugin does not have."""

LBAAS = "f489cf14a79c"
"""The migration before theirs, where neutron-lbaas-pools starts."""


@scenario.inject("before:havana/neutron")
def start_server(cloud: Cloud) -> None:
    """Havana's own plugin starts on the database, as a package's service does right after its installation."""
    run = cloud.python("havana", "neutron", server(cloud))
    if not run.ok:
        raise LabFault("Havana's plugin did not start", evidence=run.output[-3000:])


@scenario.preflight("seeded", "before:havana/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of a later release in a database stamped Grizzly."""
    if cloud.versions("neutron", "alembic_version") not in (("grizzly",), (LBAAS,)):
        return
    early = sorted(cloud.tables("neutron") & set(LATER))
    if not early:
        return
    counts: list[tuple[object, ...]] = [(t, cloud.value("neutron", f"SELECT COUNT(*) FROM `{t}`")) for t in early]
    filled = [str(name) for name, count in counts if count]
    yield Finding(
        source=scenario.name,
        severity=Severity.ERROR,
        service="neutron",
        place="neutron.portbindingports",
        message=f"neutron is stamped grizzly and has {len(early)} tables of a later release: {', '.join(early)}",
        consequence="db-manage stops with 1050 at the first of them"
        + (f"; {', '.join(filled)} hold rows, so the cloud has worked on it: restore the dump" if filled else ""),
        evidence=Evidence.of(("table", "rows"), counts),
        cure=None
        if filled
        else Cure(
            "drop them while they are empty, and keep neutron-server from starting until db-manage is done",
            tuple(Sql("neutron", f"DROP TABLE IF EXISTS `{table}`") for table in early),
        ),
    )
