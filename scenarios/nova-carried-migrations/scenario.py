"""Havana's migrations carried into Icehouse's repository: the whole way with one tool, if 216 is taken along too."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from osupgrade.scenarios import (
    Blocks,
    Cloud,
    Cure,
    Evidence,
    Finding,
    Overlay,
    Scenario,
    Shell,
    ToolRun,
    UsageFault,
    counted,
    finding,
    schema_of,
    statement,
)

scenario = Scenario(
    title="Havana's migrations in Icehouse's repository, with 216 left as it is",
    services=("nova",),
    symptom=Blocks("icehouse/nova", error=r"1050.*Table 'instances' already exists", version="215"),
    site={"migrations": (("nova", "migrations of Havana, carried"),)},
)

REPOSITORY = "nova/db/sqlalchemy/migrate_repo/versions"
COLLAPSED = f"{REPOSITORY}/216_havana.py"
FIRST, LAST = 162, 216
"""Havana's own migrations; Icehouse's repository has but one file for all of them."""
OF_CELLS = f"{REPOSITORY}/200_add_transport_url_to_cell.py"
DRIVER = "nova/cells/rpc_driver.py"
"""Where Havana has the two functions that 200 calls for each row of `cells`; Icehouse's no longer has them."""
HEAD = b"import urllib\nimport urlparse\n\nfrom oslo.config import cfg\n\nCONF = cfg.CONF\n"


def carried(cloud: Cloud, last: int) -> dict[str, bytes]:
    """Havana's migration files up to ``last``, by their path in Icehouse's tree; 200 with what it needs of Havana."""
    havana = cloud.tree("havana", "nova")
    files = sorted((havana / REPOSITORY).glob("[0-9][0-9][0-9]_*"))
    taken = {f"{REPOSITORY}/{f.name}": f.read_bytes() for f in files if FIRST <= int(f.name[:3]) <= last}
    driver = (havana / DRIVER).read_bytes()
    functions = driver[driver.index(b"def parse_transport_url(") :]
    taken[OF_CELLS] = (
        HEAD
        + taken[OF_CELLS].replace(b"from nova.cells import rpc_driver\n", b"").replace(b"rpc_driver.", b"")
        + b"\n\n"
        + functions
    )
    return taken


@scenario.instead("havana/nova", lane="naive")
@scenario.instead("havana/nova", lane="cured")
def skip_havana(_cloud: Cloud) -> Sequence[ToolRun]:
    """The operator installs Icehouse over Grizzly."""
    return ()


@scenario.instead("icehouse/nova", lane="naive")
def carry_what_is_missing(cloud: Cloud) -> Sequence[ToolRun]:
    """Only the numbers that Icehouse lacks: 216 is there already."""
    return (cloud.tool("icehouse", "nova", "db sync", overlay=Overlay(carried(cloud, LAST - 1))),)


@scenario.preflight("before:icehouse/nova")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Icehouse's tool is about to meet a database that needs Havana's migrations, and they are to be carried.

    That is what site.toml's `[migrations] nova` says; without it nova-direct-jump reports the same database.
    """
    version = cloud.value("nova", "SELECT version FROM migrate_version")
    if version is not None and version < LAST and "nova" in dict(cloud.site.migrations):
        havana, versions = "HAVANA/" + REPOSITORY, "ICEHOUSE/" + REPOSITORY
        yield finding(
            scenario,
            place="nova.migrate_version",
            message=f"nova is at schema version {version}; Icehouse's 216_havana creates a new schema and does not migrate an old one",
            effect="with Havana's migrations carried into Icehouse's repository 216_havana stops with 1050 on "
            "`instances` and stays at 215; without them the tool stops at once",
            evidence=Evidence.of(("version", "needed"), [(version, LAST)]),
            cure=Cure(
                f"carry {FIRST} to {LAST} of Havana, its 216 in place of 216_havana.py",
                (
                    Shell(f"rm {versions}/216_havana.py*"),
                    Shell(f"cp {havana}/16[2-9]_* {havana}/1[7-9]?_* {havana}/20?_* {havana}/21[0-6]_* {versions}/"),
                    Shell(
                        f"cat HAVANA/{DRIVER}   # put its two functions ..._transport_url into 200_*, if nova has cells"
                    ),
                    Shell("nova-manage db sync   # Icehouse's"),
                ),
            ),
        )


@scenario.cure("before:icehouse/nova")
def carry_them_all(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Icehouse's own tool takes the whole way; a copy of the database takes the way through Havana beside it."""
    version = cloud.value("nova", "SELECT version FROM migrate_version")
    if version >= LAST:
        raise UsageFault(f"nova is at schema version {version}: Havana's migrations have already run")
    direct = cloud.databases["nova"]
    cloud.lab_server.save([direct], direct)
    cloud.lab_server.load(direct, {direct: beside(cloud).databases["nova"]})
    overlay = Overlay(carried(cloud, LAST), remove=(COLLAPSED,))
    run = cloud.tool("icehouse", "nova", "db sync", overlay=overlay)
    if not run.ok:
        raise UsageFault("Icehouse's tool failed on the composed repository", evidence=run.output[-2000:])


def beside(cloud: Cloud) -> Cloud:
    """The copy that goes through Havana."""
    name = cloud.databases["nova"] + "_x"
    return replace(cloud, databases={**cloud.databases, "nova": name}, lane=cloud.lane + "-through")


@scenario.check("verify")
def same_as_through_havana(cloud: Cloud) -> Iterator[Finding]:
    """Both ways end in the same schema, and with the same number of rows in every table."""
    other = beside(cloud)
    for release in ("havana", "icehouse"):
        run = other.tool(release, "nova", "db sync")
        if not run.ok:
            raise UsageFault(f"{release}'s `nova-manage db sync` failed on the copy", evidence=run.output[-2000:])
    ways = [{t.name: t for t in schema_of(c, "nova").tables} for c in (cloud, other)]
    differ = [name for name in sorted(ways[0].keys() | ways[1].keys()) if ways[0].get(name) != ways[1].get(name)]
    counts = [
        {n: c.value("nova", statement("SELECT COUNT(*) FROM {table}", table=n)) for n in ways[0]}
        for c in (cloud, other)
    ]
    differ += [name for name in sorted(ways[0]) if counts[0][name] != counts[1][name]]
    if differ:
        yield finding(
            scenario,
            place="nova",
            message=counted(len(differ), "{n} table[s] differ[s|] from those of a cloud upgraded through Havana"),
            evidence=Evidence.of(("table",), [(name,) for name in differ]),
        )
    cloud.lab_server.drop(other.databases["nova"])
