"""Libraries that nothing asks for in a newer version stay as they are, and the new release does not start with them."""

from collections.abc import Iterator, Sequence

from osupgrade.catalog.content import root
from osupgrade.catalog.packages.judge import by_hand
from osupgrade.catalog.packages.listing import Listing, read_listing
from osupgrade.catalog.packages.needs import Asked, left_old
from osupgrade.cloud.cloud import Cloud, ToolRun
from osupgrade.lab.controller import asked_by, upgraded_in_place
from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Finding
from osupgrade.model.stage import Stage
from osupgrade.scenarios.contract import Blocks, Scenario

RELEASES = ("grizzly", "havana", "icehouse")
FROZEN = root() / "images" / RELEASES[0] / "requirements.txt"
BEFORE = Stage.before("icehouse/neutron")

scenario = Scenario(
    title="Libraries that stay old keep Icehouse's neutron from starting",
    services=("neutron",),
    symptom=Blocks(
        "icehouse/neutron", error=r"ImportError: cannot import name server_external_events", version="havana"
    ),
    site={"packages": tuple(line.split()[0] for line in FROZEN.read_text("utf-8").splitlines() if "==" in line)},
)


def listing(cloud: Cloud) -> Listing:
    """What the controller has, as site.toml says."""
    return read_listing("\n".join(cloud.site.packages), "site.toml")


def path(cloud: Cloud) -> list[Asked]:
    """What the releases ask for that are put over the controller's, one after the other."""
    assert cloud.workshop is not None
    return [asked_by(cloud.workshop, release) for release in RELEASES[1:]]


@scenario.instead("icehouse/neutron", lane="naive")
@scenario.instead("icehouse/neutron", lane="cured")
def in_place(cloud: Cloud) -> Sequence[ToolRun]:
    """Icehouse's own tool on a controller that began with Grizzly's runtime and got what was missing, at each release."""
    assert cloud.workshop is not None
    later = path(cloud)
    versions = {name: one.version for name, one in listing(cloud).packages.items()}
    whole = [asked_by(cloud.workshop, RELEASES[0]), *later]
    role = f"controller-{cloud.lane}".replace("_", "-")
    controller = upgraded_in_place(cloud.workshop, whole, role, by_hand=not left_old(later, versions))
    try:
        command = controller.release.services["neutron"].upgrade[0]
        return (controller.tool("neutron", command, cloud.setting),)
    finally:
        cloud.workshop.lab.remove(controller.container)


@scenario.preflight("seeded", str(BEFORE))
def find(cloud: Cloud) -> Iterator[Finding]:
    """Packages of the controller that are too old for Icehouse, where site.toml says what it has."""
    if cloud.site.packages and cloud.workshop is not None:
        yield from by_hand(scenario.name, "neutron", listing(cloud), path(cloud), BEFORE)


@scenario.cure(str(BEFORE))
def update(cloud: Cloud, findings: Sequence[Finding]) -> Cloud:
    """Bring them to what Icehouse asks for: the lab's controller from then on, and the list of what it has."""
    there = {name: one.version for name, one in listing(cloud).packages.items()}
    left = left_old(path(cloud), there)
    if not (findings and left):
        raise UsageFault("nothing is too old for Icehouse")
    there |= {one.name: one.target for one in left}
    return cloud.with_site(packages=tuple(f"{name}=={version}" for name, version in there.items()))
