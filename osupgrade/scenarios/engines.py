"""Tables that are not InnoDB: which they are, and how they become what upstream's are, foreign keys and all."""

from __future__ import annotations

from collections.abc import Iterator

from osupgrade.cloud.cloud import Cloud
from osupgrade.model.finding import Cure, Evidence, Finding, Sql
from osupgrade.model.quoting import quoted, statement
from osupgrade.model.text import counted
from osupgrade.scenarios.contract import Scenario
from osupgrade.scenarios.findings import finding
from osupgrade.scenarios.upstream import upstream
from osupgrade.schema.diff import described, generated
from osupgrade.schema.reading import read_schema
from osupgrade.schema.tables import ForeignKey

_KEYS = (
    "SELECT DISTINCT table_name, constraint_name FROM information_schema.key_column_usage "
    "WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL "
    "AND %s IN (table_name, referenced_table_name)"
)
_OTHERS = (
    "SELECT table_name AS `table`, engine AS engine FROM information_schema.tables WHERE table_schema = DATABASE() "
    "AND table_type = 'BASE TABLE' AND engine <> 'InnoDB' ORDER BY 1"
)


def put_in_myisam(cloud: Cloud, service: str, table: str) -> None:
    """Leave a table as a server did whose default was MyISAM: in that engine, and with no foreign key from or to it."""
    keys = cloud.rows(service, _KEYS, table)
    drops = [statement("ALTER TABLE {owner} DROP FOREIGN KEY {key}", owner=owner, key=key) for owner, key in keys]
    cloud.execute(service, *drops, statement("ALTER TABLE {table} ENGINE = MyISAM", table=table))


def not_innodb(scenario: Scenario, cloud: Cloud, effect: str) -> Iterator[Finding]:
    """At most one finding: tables of the scenario's first service that are not InnoDB.

    The cure makes them InnoDB and gives them the foreign keys that upstream has there and that the other engine lost.
    """
    service = scenario.services[0]
    if not cloud.has(service):
        return
    columns, found = cloud.table(service, _OTHERS)
    if found:
        yield finding(
            scenario,
            place=service,
            message=counted(len(found), "{n} table[s] of {service} [is|are] not InnoDB", service=service),
            effect=effect,
            evidence=Evidence.of(columns, found),
            cure=Cure(
                "convert them to InnoDB and add upstream's foreign keys, before the upgrade",
                tuple(to_innodb(cloud, service)),
            ),
        )


def to_innodb(cloud: Cloud, service: str) -> Iterator[Sql]:
    """The statements that make every table InnoDB, and then the foreign keys that upstream has and these lack."""
    for table, _engine in cloud.rows(service, _OTHERS):
        yield Sql.of(service, "ALTER TABLE {table} ENGINE = InnoDB", table=table)
    known = upstream(cloud, service)
    schema = read_schema(cloud.server, cloud.databases[service])
    for wanted in known.here.schema.tables if known else ():
        there = schema.table(wanted.name)
        if there is None:
            continue
        keys = {_purpose(key) for key in there.foreign_keys}
        for key in wanted.foreign_keys:
            if _purpose(key) not in keys and key.table in schema.names:
                name = "" if generated(wanted.name, key) else f"CONSTRAINT {quoted(key.name)} "
                columns = ", ".join(map(quoted, key.columns))
                add = f"ADD {name}FOREIGN KEY ({columns}) {described(key)}"
                yield Sql(service, f"ALTER TABLE {quoted(wanted.name)} {add}")


def _purpose(key: ForeignKey) -> tuple[object, ...]:
    return key.columns, key.table, key.referred
