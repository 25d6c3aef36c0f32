"""Endpoints and services put in by hand, or by a tool, whose extra is no JSON object."""

from collections.abc import Iterator

from osupgrade.scenarios import Blocks, Cloud, Finding, Scenario, is_before, service

keystone = service("keystone")

scenario = Scenario(
    title="A service without extra stops keystone's 042",
    services=("keystone",),
    symptom=Blocks("icehouse/keystone", error=r"TypeError", version="41"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """A catalogue put in by hand, and a row as other tools write it."""
    cloud.execute(
        "keystone",
        "INSERT INTO service (id, type, extra) VALUES ('trap-service', 'compute', NULL), ('trap-null', 'compute', 'null')",
        "INSERT INTO endpoint (id, interface, region, service_id, url, extra) "
        "VALUES ('trap-endpoint', 'public', 'R', 'trap-service', 'http://x', NULL)",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Services and endpoints whose extra is no JSON object."""
    if is_before(cloud, "keystone", "44"):
        yield from keystone.extras_finding(
            scenario,
            cloud,
            ("service", "endpoint"),
            keystone.stops_enabled,
            message="{n} service[s] or endpoint[s] [has|have] an extra that is not a JSON object",
            effect="Icehouse's keystone stops at 042 (endpoints; it stays at 41) or 044 (services; it stays at 43) with a TypeError, or "
            "with a ValueError where it is not JSON at all",
        )
