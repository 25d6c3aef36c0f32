"""The operator put migrations of his own into keystone's repository, with the numbers that came next."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from osupgrade.cloud import Cloud, Overlay
from osupgrade.errors import UsageFault
from osupgrade.model import Cure, Evidence, Finding, Severity, Shell, Sql, Stage
from osupgrade.scenario import Blocks, Scenario

scenario = Scenario(
    title="Own migration numbers in keystone make Havana skip its own",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"1553.*Cannot drop index '(user|project)_id'", version="30"),
)

STOCK = 22
"""Grizzly's last migration in keystone."""
REPOSITORY = "keystone/common/sql/migrate_repo/versions"
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
    return Overlay({f"{REPOSITORY}/{file.name}": file.read_bytes() for file in sorted(directory.glob("[0-9]*.py"))})


def parking(cloud: Cloud) -> str:
    """Another schema, where own columns wait until Icehouse is reached."""
    return f"{cloud.databases['keystone']}_own"


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """Apply the own scripts with the real tool, and give them data."""
    run = cloud.tool("grizzly", "keystone", "db_sync", overlay=own_files(cloud))
    if not run.ok:
        raise UsageFault("the operator's own migrations do not apply", evidence=run.output)
    cloud.execute(
        "keystone",
        "UPDATE `user` SET phone = CONCAT('+49 ', CRC32(id))",
        "INSERT INTO cost_centre SELECT id, CONCAT('CC-', CRC32(id)) FROM project",
    )


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """The version table stands above Grizzly's last number, though no Havana was here."""
    version = cloud.value("keystone", "SELECT version FROM migrate_version")
    if version is None or version <= STOCK or "region" in cloud.tables("keystone"):
        return
    yield Finding(
        source=scenario.name,
        severity=Severity.ERROR,
        service="keystone",
        place="keystone.migrate_version",
        message=f"keystone stands at migration {version}; Grizzly's last is {STOCK}, so the rest are your own",
        consequence=f"Havana takes its own {STOCK + 1} to {version} for done and fails later, somewhere unrelated",
        evidence=Evidence.of(("version", "Grizzly's last"), [(version, STOCK)]),
        cure=Cure(
            "park the data of own columns, downgrade with the own scripts still in place, take the scripts out",
            (
                Shell("mysqldump keystone user cost_centre > own-data.sql   # your own columns and tables"),
                Shell(
                    'python -c "from keystone import config; '
                    "config.CONF(['--config-file', '/etc/keystone/keystone.conf'], project='keystone'); "
                    f'from keystone.common.sql import migration; migration.db_sync({STOCK})"'
                ),
                Shell(f"rm {REPOSITORY}/<your own scripts>"),
            ),
        ),
        command=f"osupgrade rehearse --cure {scenario.name} --site site.toml   # [migrations] keystone = DIR",
    )


@scenario.cure("seeded")
def downgrade(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Park what the own columns and tables hold, then let Grizzly's own code downgrade with the files still there."""
    version = cloud.value("keystone", "SELECT version FROM migrate_version")
    if version <= STOCK:  # making the parking schema anew would drop what waits in it
        raise UsageFault(f"keystone stands at {version}: there is nothing of your own to downgrade")
    park = parking(cloud)
    cloud.server.create(park)
    if "phone" in cloud.columns("keystone", "user"):
        cloud.execute("keystone", f"CREATE TABLE `{park}`.user_phone AS SELECT id, phone FROM `user`")
    if "cost_centre" in cloud.tables("keystone"):
        cloud.execute("keystone", f"CREATE TABLE `{park}`.cost_centre AS SELECT * FROM cost_centre")
    run = cloud.python("grizzly", "keystone", DOWNGRADE, overlay=own_files(cloud))
    if not run.ok:
        raise UsageFault(
            "keystone's own downgrade failed; are the own scripts in site.toml's [migrations]?", evidence=run.output
        )


@scenario.preflight("after:icehouse/keystone")
def waiting(cloud: Cloud) -> Iterator[Finding]:
    """Own columns wait in the parking schema for Icehouse to be reached."""
    park = parking(cloud)
    if park not in cloud.server.databases() or "phone" in cloud.columns("keystone", "user"):
        return
    held = cloud.server.rows(park, "SELECT COUNT(*) FROM user_phone")[0][0]
    yield Finding(
        source=scenario.name,
        severity=Severity.WARNING,
        service="keystone",
        place=park,
        message=f"own data of {held} users waits in {park}",
        consequence="without it the own tools that read user.phone and cost_centre find nothing",
        cure=Cure(
            "add the own columns and tables again and fill them",
            (
                Sql("keystone", "ALTER TABLE `user` ADD COLUMN phone VARCHAR(20), ADD INDEX own_user_phone (phone)"),
                Sql("keystone", f"UPDATE `user` u JOIN `{park}`.user_phone p ON p.id = u.id SET u.phone = p.phone"),
                Sql(
                    "keystone",
                    "CREATE TABLE cost_centre (project_id VARCHAR(64) NOT NULL PRIMARY KEY, name VARCHAR(255))",
                ),
                Sql("keystone", f"INSERT INTO cost_centre SELECT project_id, name FROM `{park}`.cost_centre"),
            ),
            at=BACK,
        ),
    )


@scenario.check("verify")
def every_number_is_back(cloud: Cloud) -> Iterator[Finding]:
    """Each user has the number that he had, each project its cost centre."""
    park = parking(cloud)
    lost = cloud.rows(
        "keystone",
        f"SELECT p.id, p.phone, u.phone FROM `{park}`.user_phone p LEFT JOIN `user` u ON u.id = p.id "
        "WHERE NOT (u.phone <=> p.phone)",
    )
    lost += cloud.rows(
        "keystone",
        f"SELECT p.project_id, p.name, c.name FROM `{park}`.cost_centre p "
        "LEFT JOIN cost_centre c ON c.project_id = p.project_id WHERE NOT (c.name <=> p.name)",
    )
    if lost:
        yield Finding(
            source=scenario.name,
            severity=Severity.ERROR,
            service="keystone",
            place="keystone.user.phone",
            message=f"{len(lost)} own values were lost",
            evidence=Evidence.of(("id", "before", "after"), lost),
        )
    cloud.server.drop(park)
