"""Libraries that nothing asks for in a newer version stay as they are, and the new release does not start with them."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import Blocks, Cloud, Controller, Finding, Scenario, Stage, ToolRun, UsageFault

RELEASES = ("grizzly", "havana", "icehouse")
BEFORE = Stage.before("icehouse/neutron")

scenario = Scenario(
    title="Libraries that stay old keep Icehouse's neutron from starting",
    services=("neutron",),
    symptom=Blocks(
        "icehouse/neutron", error=r"ImportError: cannot import name server_external_events", version="havana"
    ),
    site={"packages": Controller.usual(RELEASES[0])},
)


@scenario.instead("icehouse/neutron", lane="naive")
@scenario.instead("icehouse/neutron", lane="cured")
def in_place(cloud: Cloud) -> Sequence[ToolRun]:
    """Icehouse's own tool on a controller that began with Grizzly's runtime and got what was missing, at each release."""
    return (Controller(cloud, RELEASES).upgrade("neutron"),)


@scenario.preflight("seeded", str(BEFORE))
def find(cloud: Cloud) -> Iterator[Finding]:
    """Packages of the controller that are too old for Icehouse, where site.toml says what it has."""
    controller = Controller(cloud, RELEASES)
    if controller.known:
        yield from controller.findings(scenario, "neutron", BEFORE)


@scenario.cure(str(BEFORE))
def update(cloud: Cloud, _findings: Sequence[Finding]) -> Cloud:
    """Bring them to what Icehouse asks for: the lab's controller from then on, and the list of what it has."""
    updated = Controller(cloud, RELEASES).updated()
    if updated is None:
        raise UsageFault("nothing is too old for Icehouse")
    return updated
