"""Havana's neutron-server makes the tables that it misses; db-manage then stops at the first that is there."""

from collections.abc import Iterator

from osupgrade.scenarios import (
    Blocks,
    Cloud,
    Cure,
    Evidence,
    Finding,
    LabFault,
    Scenario,
    Sql,
    counted,
    finding,
    service,
    statement,
    upstream,
)

neutron = service("neutron")

scenario = Scenario(
    title="neutron-server was started before neutron-db-manage",
    services=("neutron",),
    symptom=Blocks(
        "havana/neutron", error=r"1050, \"Table 'portbindingports' already exists\"", version="f489cf14a79c"
    ),
)

LBAAS = "f489cf14a79c"
"""The migration before theirs, which makes the load balancer's tables: neutron-lbaas-pools speaks of those."""


@scenario.inject("before:havana/neutron")
def start_server(cloud: Cloud) -> None:
    """Havana's own plugin starts on the database, as a package's service does right after its installation."""
    run = cloud.python("havana", "neutron", neutron.server(cloud))
    if not run.ok:
        raise LabFault("Havana's plugin did not start", evidence=run.output[-3000:])


@scenario.preflight("seeded", "before:havana/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of a later release in a database stamped Grizzly."""
    if cloud.versions("neutron", "alembic_version") not in (("grizzly",), (LBAAS,)):
        return
    known = upstream(cloud, "neutron")
    made = known.made({"havana"}) if known else {}
    early = sorted(name for name in cloud.tables("neutron") & set(made) if made[name] != LBAAS)
    if not early:
        return
    counts: list[tuple[object, ...]] = [
        (t, cloud.value("neutron", statement("SELECT COUNT(*) FROM {table}", table=t))) for t in early
    ]
    filled = [str(name) for name, count in counts if count]
    yield finding(
        scenario,
        place="neutron.portbindingports",
        message=counted(len(early), "neutron is stamped grizzly but has {n} table[s] of a later release: ")
        + ", ".join(early),
        effect="db-manage stops with 1050 at the first of them"
        + (
            counted(
                len(filled),
                "; {tables} contain[s|] rows, so services have used it: restore the dump",
                tables=", ".join(filled),
            )
            if filled
            else ""
        ),
        evidence=Evidence.of(("table", "rows"), counts),
        cure=None
        if filled
        else Cure(
            "drop them while they are empty, and keep neutron-server from starting until db-manage is done",
            tuple(Sql.of("neutron", "DROP TABLE IF EXISTS {table}", table=table) for table in early),
        ),
    )
