"""neutron's ports in MyISAM on a cloud of today: the new table porttrusted cannot refer to them."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, is_before, not_innodb, put_in_myisam

scenario = Scenario(
    title="neutron's ports in MyISAM stop 5bcb7b31ec7d",
    services=("neutron",),
    symptom=Blocks("epoxy/neutron", error=r"(1005|1824|3776|6125).*porttrusted|porttrusted.*(1005|1824|3776|6125)"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What is left of a server whose default was MyISAM."""
    put_in_myisam(cloud, "neutron", "ports")


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables of neutron that are not InnoDB."""
    if is_before(cloud, "neutron", "epoxy"):
        yield from not_innodb(
            scenario,
            cloud,
            "a foreign key cannot refer to a table in another engine: 2025.1's 5bcb7b31ec7d makes the table porttrusted with "
            "one onto ports, and stops with 1005 (errno 150); the foreign keys of such tables themselves were lost when the "
            "engine changed",
        )
