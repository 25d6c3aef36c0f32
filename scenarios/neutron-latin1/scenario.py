"""Tables of one character set under a database of another: Havana's new tables cannot refer to them."""

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Finding, Severity, Sql
from osupgrade.scenarios.charset import conversion
from osupgrade.scenarios.contract import Blocks, Scenario

scenario = Scenario(
    title="neutron's tables are latin1 and its database is utf8",
    services=("neutron",),
    # 1215 of MySQL 5.6 and later, 1005 (errno 150) of 5.1, 5.5 and MariaDB.
    symptom=Blocks("havana/neutron", error=r"\((1215|1005), .*CREATE TABLE portbindingports", version="f489cf14a79c"),
)

PARENTS = ("agents", "networks", "ports", "routers", "subnets")
"""Grizzly's tables to which the tables of Havana and Icehouse refer."""
TABLES = (
    "SELECT t.table_name, t.table_collation, s.default_collation_name FROM information_schema.tables t "
    "JOIN information_schema.schemata s ON s.schema_name = t.table_schema "
    "WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE' "
)
UTF8 = ("utf8_general_ci", "utf8mb3_general_ci")


@scenario.inject()
def restore_as_latin1(cloud: Cloud) -> None:
    """As after a restore of a latin1 dump, whose tables name their character set, on a server that defaults to utf8."""
    convert = conversion(cloud, "neutron", cloud.tables("neutron"), "latin1")
    cloud.execute("neutron", "ALTER DATABASE CHARACTER SET utf8", *convert)


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """Tables whose collation is not what new tables will get."""
    named = ", ".join(f"'{name}'" for name in PARENTS)
    differ = "AND t.table_collation <> s.default_collation_name "
    if not cloud.rows("neutron", f"{TABLES}{differ}AND t.table_name IN ({named})"):
        return
    rows = cloud.rows("neutron", f"{TABLES}ORDER BY 1")
    foreign = [row[0] for row in rows if row[1] not in UTF8]
    statements = (*conversion(cloud, "neutron", foreign, "utf8"), "ALTER DATABASE CHARACTER SET utf8")
    evidence = cloud.evidence("neutron", "table collation of_new_tables", f"{TABLES}{differ}ORDER BY 1")
    yield Finding(
        source=scenario.name,
        severity=Severity.ERROR,
        service="neutron",
        place="neutron",
        message=f"{evidence.total} tables have another collation than new tables will get ({rows[0][2]})",
        consequence="a foreign key cannot join two character sets: Havana's first new table fails with 1215 (or 1005, errno "
        "150); see first that no text was stored as utf8 in latin1 columns, or converting garbles it",
        evidence=evidence,
        cure=Cure("convert every table, and the database, to utf8", tuple(Sql("neutron", s) for s in statements)),
    )
