"""An own table in keystone's schema, in latin1."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Finding
from osupgrade.openstack.keystone.sql import NOT_UTF8, UPSTREAM
from osupgrade.scenarios.charset import conversion
from osupgrade.scenarios.contract import Blocks, Scenario
from osupgrade.scenarios.helpers import rows_finding

scenario = Scenario(
    title="An own latin1 table stops Icehouse's keystone",
    services=("keystone",),
    symptom=Blocks("icehouse/keystone", error=r"ValueError: Tables .own_audit. have non utf8 collation", version="36"),
)


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """The operator's own table."""
    cloud.execute(
        "keystone",
        "CREATE TABLE own_audit (id INT PRIMARY KEY, who VARCHAR(64)) ENGINE=InnoDB DEFAULT CHARSET=latin1",
        "INSERT INTO own_audit VALUES (1, 'M\u00fcller')",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables that are not keystone's and not utf8."""
    if not cloud.has("keystone"):
        return
    own = f"{NOT_UTF8} AND table_name NOT IN ({UPSTREAM})"
    names = [str(row[0]) for row in cloud.rows("keystone", f"SELECT table_name {own} ORDER BY 1")]
    yield from rows_finding(
        scenario,
        cloud,
        place="keystone.",
        columns="table collation",
        query=f"SELECT table_name, table_collation {own} ORDER BY 1",
        message="{n} own tables in keystone are not utf8: " + ", ".join(names),
        consequence="Icehouse's keystone refuses to migrate although nothing of its own is wrong; it stays at 36",
        cure="convert them (look first whether utf8 bytes lie in latin1 columns: then go by way of BLOB)",
        statements=conversion(cloud, "keystone", names, "utf8"),
    )
