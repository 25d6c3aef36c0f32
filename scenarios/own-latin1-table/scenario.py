"""An own table in keystone's schema, in latin1."""

from collections.abc import Iterator

from osupgrade.cloud import Cloud
from osupgrade.model import Finding
from osupgrade.scenario import Blocks, Scenario
from osupgrade.scenariolib import rows_finding

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
    """Own tables that are not utf8."""
    yield from rows_finding(
        scenario,
        cloud,
        place="keystone.own_audit",
        columns="table collation",
        query="SELECT table_name, table_collation FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND table_name = 'own_audit' AND table_collation NOT LIKE '%utf8%'",
        message="the own table own_audit is not utf8",
        consequence="Icehouse's keystone refuses to migrate although nothing of its own is wrong; it stays at 36",
        cure="convert it",
        statements=("ALTER TABLE own_audit CONVERT TO CHARACTER SET utf8",),
    )
