"""Grizzly's server makes its tables itself and stamps nothing; Havana's db-manage then starts from the very first."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import Blocks, Cloud, Cure, Finding, Scenario, Shell, UsageFault, finding, service

neutron = service("neutron")

scenario = Scenario(
    title="neutron's database was never stamped with its version",
    services=("neutron",),
    symptom=Blocks("havana/neutron", error=r"1050, \"Table 'networks' already exists\"", version=""),
)

STAMP = "quantum-db-manage --config-file /etc/quantum/quantum.conf --config-file PLUGIN.ini stamp grizzly"


@scenario.inject()
def forget(cloud: Cloud) -> None:
    """As it is where only quantum-server ever made tables."""
    cloud.execute("neutron", "DROP TABLE IF EXISTS alembic_version")


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Networks, but no version."""
    if "networks" not in cloud.tables("neutron") or cloud.versions("neutron", "alembic_version"):
        return
    grizzly = neutron.has_tables_of(cloud, "grizzly")
    yield finding(
        scenario,
        place="neutron.alembic_version",
        message="neutron's database has no version; "
        + (
            "its tables are those of Grizzly"
            if grizzly
            else "its tables are not those of Grizzly's Open vSwitch plugin"
        ),
        effect="db-manage treats it as empty and stops at its first table, 1050 `networks`"
        + ("" if grizzly else "; do not stamp it: find out which release created it, and restore that release's dump"),
        evidence=cloud.evidence(
            "neutron",
            "SELECT table_name AS `table`, table_rows AS estimated_rows FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1",
        ),
        cure=Cure("stamp it with Grizzly's own tool", (Shell(STAMP),)) if grizzly else None,
    )


@scenario.cure()
def stamp(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Grizzly's quantum-db-manage writes the version, if the tables are really Grizzly's."""
    if not neutron.has_tables_of(cloud, "grizzly"):
        raise UsageFault("neutron's tables are not those of Grizzly; stamping them would hide it")
    run = cloud.tool("grizzly", "neutron", "stamp grizzly")
    if not run.ok:
        raise UsageFault("`quantum-db-manage stamp grizzly` failed", evidence=run.output[-2000:])
