"""Icehouse's nova migrates only from Havana: its repository starts at 216, Havana's last."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import Blocks, Cloud, Cure, Evidence, Finding, Scenario, Shell, ToolRun, UsageFault, finding

scenario = Scenario(
    title="nova goes straight from Grizzly to Icehouse",
    services=("nova",),
    symptom=Blocks("icehouse/nova", error=r"KeyError: <VerNum\(162\)>", version="161"),
)

FIRST_OF_ICEHOUSE = 216


@scenario.instead("havana/nova", lane="naive")
@scenario.instead("havana/nova", lane="cured")
def skip_havana(_cloud: Cloud) -> Sequence[ToolRun]:
    """The operator installs Icehouse over Grizzly."""
    return ()


@scenario.preflight("before:icehouse/nova")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Icehouse's tool is about to meet a database that Havana's never saw, with Icehouse's own migrations.

    Where the operator's are in site.toml, nova-carried-migrations speaks of them.
    """
    version = cloud.value("nova", "SELECT version FROM migrate_version")
    if version is not None and version < FIRST_OF_ICEHOUSE and "nova" not in dict(cloud.site.migrations):
        yield finding(
            scenario,
            place="nova.migrate_version",
            message=f"nova is at schema version {version}; Icehouse's own migrations start at {FIRST_OF_ICEHOUSE}",
            effect=f"`nova-manage db sync` of Icehouse stops with KeyError: <VerNum({version + 1})>",
            evidence=Evidence.of(("version", "needed"), [(version, FIRST_OF_ICEHOUSE)]),
            cure=Cure("run Havana's `nova-manage db sync` first", (Shell("nova-manage db sync   # Havana's"),)),
        )


@scenario.cure("before:icehouse/nova")
def go_through_havana(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Run what was left out, with Havana's own tool."""
    run = cloud.tool("havana", "nova", "db sync")
    if not run.ok:
        raise UsageFault("Havana's `nova-manage db sync` failed", evidence=run.output[-2000:])
