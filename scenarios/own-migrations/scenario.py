"""The operator put their own migrations into keystone's repository, with the numbers that came next."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from osupgrade.scenarios import (
    Blocks,
    Cloud,
    Cure,
    Evidence,
    Finding,
    Overlay,
    Scenario,
    Severity,
    Shell,
    Sql,
    Stage,
    UsageFault,
    counted,
    finding,
    lacking,
    migrations,
    own_changes,
    quoted,
    schema_of,
    shell_join,
    statement,
    upstream,
)

scenario = Scenario(
    title="Custom migration numbers in keystone make Havana skip its own",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"1553.*Cannot drop index '(user|project)_id'", version="30"),
)

STOCK = 22
"""Grizzly's last migration in keystone."""
REPOSITORY = "keystone/common/sql/migrate_repo/versions"
KEPT = ("table", "column", "index")
"""What is parked and brought back, in this order."""
BACK = Stage.after("icehouse/keystone")
DOWNGRADE = f"""
from keystone import config
config.CONF(['--config-file', etc + '/keystone.conf'], project='keystone')
from keystone.common.sql import migration
migration.db_sync({STOCK})
"""


def own_files(cloud: Cloud) -> Overlay:
    """Grizzly's tree with the operator's scripts in it: those of site.toml, or else this scenario's."""
    directory = Path(dict(cloud.site.migrations).get("keystone", scenario.directory / "keystone"))
    return migrations(REPOSITORY, {file.name: file.read_bytes() for file in sorted(directory.glob("[0-9]*.py"))})


def parking(cloud: Cloud) -> str:
    """Another schema, where custom columns and tables wait until Icehouse is reached."""
    return f"{cloud.databases['keystone']}_own"


def own_tables(cloud: Cloud) -> tuple[str, ...]:
    """Tables that are not keystone's, or have columns and indexes that are not."""
    own = own_changes(cloud, "keystone", str(STOCK))
    return tuple(sorted({c.table or c.name for c in own if c.kind == "added" and c.object in KEPT}))


def parked(cloud: Cloud) -> list[Any]:
    """What waits in the parking schema and is not stock Grizzly's; each change's SQL brings it back."""
    return [c for c in lacking(cloud, parking(cloud), "keystone", str(STOCK)) if c.object in KEPT]


def key_of(cloud: Cloud, table: str) -> tuple[str, ...]:
    """The columns of a parked table's primary key."""
    waiting = schema_of(cloud, parking(cloud)).table(table)
    assert waiting is not None
    return next((index.columns for index in waiting.indexes if index.name == "PRIMARY"), ())


def joined(cloud: Cloud, table: str, left: str = "") -> str:
    """``p`` is what is parked of a table, ``u`` the same row in keystone."""
    on = " AND ".join(f"u.{quoted(column)} = p.{quoted(column)}" for column in key_of(cloud, table)) or "FALSE"
    return f"{quoted(parking(cloud))}.{quoted(table)} p {left}JOIN {quoted(table)} u ON {on}"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """Apply the custom scripts with the real tool, and give them data."""
    run = cloud.tool("grizzly", "keystone", "db_sync", overlay=own_files(cloud))
    if not run.ok:
        raise UsageFault("the custom migrations do not apply", evidence=run.output)
    cloud.execute(
        "keystone",
        "UPDATE `user` SET phone = CONCAT('+49 ', CRC32(id))",
        "INSERT INTO cost_centre SELECT id, CONCAT('CC-', CRC32(id)) FROM project",
    )


def really(cloud: Cloud, version: int) -> bool:
    """Whether the schema is nearer to upstream's at this number than to Grizzly's: a Havana or an Icehouse cloud."""
    known = upstream(cloud, "keystone")
    if known is None or known.here.name != str(version):
        return False
    here, stock = (own_changes(cloud, "keystone", revision) for revision in (str(version), str(STOCK)))
    return len(here) < len(stock)


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """The version is above Grizzly's last number, though Havana never ran."""
    version = cloud.value("keystone", "SELECT version FROM migrate_version")
    if version is None or version <= STOCK or really(cloud, version):
        return
    yield finding(
        scenario,
        place="keystone.migrate_version",
        message=f"keystone is at schema version {version}; Grizzly's last is {STOCK}, so the rest are your own",
        effect=f"Havana considers its own {STOCK + 1} to {version} done, and fails later at an unrelated point",
        evidence=Evidence.of(("version", "Grizzly's last"), [(version, STOCK)]),
        cure=Cure(
            "park the data of custom columns, downgrade with the custom scripts still in place, remove the scripts",
            (
                Shell(
                    f"mysqldump {shell_join(('keystone', *own_tables(cloud)))} > own-data.sql   # what your own scripts made"
                ),
                Shell(
                    'python -c "from keystone import config; '
                    "config.CONF(['--config-file', '/etc/keystone/keystone.conf'], project='keystone'); "
                    f'from keystone.common.sql import migration; migration.db_sync({STOCK})"'
                ),
                Shell(f"rm {REPOSITORY}/<your own scripts>"),
            ),
        ),
    )


@scenario.cure("seeded")
def downgrade(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Park what the custom columns and tables hold, then let Grizzly's own code downgrade with the files still there."""
    version = cloud.value("keystone", "SELECT version FROM migrate_version")
    if version <= STOCK:  # making the parking schema again would drop what waits in it
        raise UsageFault(f"keystone is at schema version {version}: there are no custom migrations to downgrade")
    park, tables = parking(cloud), own_tables(cloud)
    cloud.lab_server.create(park)
    for table in tables:
        cloud.execute(
            "keystone",
            statement("CREATE TABLE {park}.{table} LIKE {table}", park=park, table=table),
            statement("INSERT INTO {park}.{table} SELECT * FROM {table}", park=park, table=table),
        )
    run = cloud.python("grizzly", "keystone", DOWNGRADE, overlay=own_files(cloud))
    if not run.ok:
        raise UsageFault(
            "keystone's own downgrade failed; are the custom scripts in site.toml's [migrations]?", evidence=run.output
        )


@scenario.preflight("after:icehouse/keystone")
def waiting(cloud: Cloud) -> Iterator[Finding]:
    """Custom columns and tables wait in the parking schema for Icehouse to be reached."""
    park = parking(cloud)
    if park not in cloud.server.databases():
        return
    tables = cloud.tables("keystone")
    steps: list[Sql] = []
    places: list[tuple[str, str]] = []
    for change in sorted(parked(cloud), key=lambda c: KEPT.index(c.object)):
        table = change.table or change.name
        if change.object == "table" and table not in tables:
            steps += [Sql("keystone", sql) for sql in change.sql]
            steps += [Sql.of("keystone", "INSERT INTO {table} SELECT * FROM {park}.{table}", park=park, table=table)]
        elif change.object == "column" and table in tables and change.name not in cloud.columns("keystone", table):
            fill = f"UPDATE {joined(cloud, table)} SET u.{quoted(change.name)} = p.{quoted(change.name)}"
            steps += [*(Sql("keystone", sql) for sql in change.sql), Sql("keystone", fill)]
        elif change.object == "index" and change.name not in indexes(cloud, table) and steps:
            steps += [Sql("keystone", sql) for sql in change.sql]
        else:
            continue
        places.append((change.object, change.place))
    if steps:
        yield finding(
            scenario,
            severity=Severity.WARNING,
            place=park,
            message=counted(
                len(places), "{n} custom column[s], table[s] or index[|es] must be restored from {park}", park=park
            ),
            effect="your tools that read them find nothing",
            evidence=Evidence.of(("kind", "place"), places),
            cure=Cure("add the custom columns and tables again and fill them", tuple(steps), at=BACK),
        )


def indexes(cloud: Cloud, table: str) -> frozenset[str]:
    """The names of a table's indexes."""
    sql = "SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = %s"
    return frozenset(str(row[0]) for row in cloud.rows("keystone", sql, table))


@scenario.check("verify")
def everything_is_back(cloud: Cloud) -> Iterator[Finding]:
    """Each custom column holds in each row what it held, and each custom table the same rows."""
    park, lost = parking(cloud), []
    for change in parked(cloud):
        if change.object == "column":
            differs = f"WHERE NOT (u.{quoted(change.name)} <=> p.{quoted(change.name)})"
            source = joined(cloud, change.table, "LEFT ")
            count = cloud.value("keystone", f"SELECT COUNT(*) FROM {source} {differs}")
            lost += [(change.place, count)] if count else []
        elif change.object == "table":
            sums = cloud.rows(
                "keystone", statement("CHECKSUM TABLE {park}.{table}, {table}", park=park, table=change.name)
            )
            lost += [(change.name, "other rows")] if sums[0][1] != sums[1][1] else []
    if lost:
        yield finding(
            scenario,
            place=park,
            message=counted(len(lost), "custom values were lost in {n} place[s]"),
            evidence=Evidence.of(("place", "differs"), lost),
        )
    cloud.lab_server.drop(park)
