"""The operator's own index has the name of one that keystone's migrations make."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="An own index on keystone's tokens stops Havana's 024",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"1061.*Duplicate key name 'ix_token_expires'", version="23"),
)

MADE = {"ix_token_expires": 24, "ix_token_valid": 25, "ix_token_expires_valid": 35}
"""Indexes on `token` and the migration that makes each."""


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """What one did against slow tokens in Grizzly, in advance of the real fix."""
    cloud.execute("keystone", "CREATE INDEX ix_token_expires ON token (expires)")


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Indexes that are there before the migration that makes them."""
    if not cloud.has("keystone"):
        return
    version = cloud.value("keystone", "SELECT MAX(version) FROM migrate_version")
    names = [name for name, made in MADE.items() if version is not None and version < made]
    if not names:
        return
    listed = ", ".join(f"'{name}'" for name in names)
    query = (
        "SELECT DISTINCT index_name, column_name FROM information_schema.statistics "
        f"WHERE table_schema = DATABASE() AND table_name = 'token' AND index_name IN ({listed})"
    )
    there = sorted({str(row[0]) for row in cloud.rows("keystone", query)})
    yield from rows_finding(
        scenario,
        cloud,
        place="keystone.token",
        columns="index column",
        query=query,
        message="{n} own indexes of token have the name of one that keystone's migrations make",
        consequence="keystone's migration stops with 1061 (duplicate key name) and stays before it: "
        + ", ".join(f"{name} is made by {MADE[name]}" for name in there),
        cure="drop them; the migrations make the same ones",
        statements=tuple(f"DROP INDEX {name} ON token" for name in there),
    )
