"""Grizzly's `keystone-manage db_sync` takes no version, so custom migrations cannot be undone from the command line."""

from collections.abc import Iterator, Sequence

from osupgrade.scenarios import Blocks, Cloud, Cure, Finding, Scenario, Shell, ToolRun, UsageFault, finding, migrations

scenario = Scenario(
    title="Grizzly's keystone-manage cannot downgrade",
    services=("keystone",),
    symptom=Blocks("havana/keystone", error=r"unrecognized arguments: 22", version="23"),
)

STOCK = 22
SCRIPT = b"""from sqlalchemy import Column, MetaData, String, Table


def upgrade(migrate_engine):
    role = Table("role", MetaData(bind=migrate_engine), autoload=True)
    role.create_column(Column("own_note", String(20)))


def downgrade(migrate_engine):
    role = Table("role", MetaData(bind=migrate_engine), autoload=True)
    role.drop_column("own_note")
"""
OVERLAY = migrations("keystone/common/sql/migrate_repo/versions", {"023_own_note.py": SCRIPT})
DOWNGRADE = f"""
from keystone import config
config.CONF(['--config-file', etc + '/keystone.conf'], project='keystone')
from keystone.common.sql import migration
migration.db_sync({STOCK})
"""


@scenario.inject()
def plant(cloud: Cloud) -> None:
    """One custom migration, applied by the real tool."""
    run = cloud.tool("grizzly", "keystone", "db_sync", overlay=OVERLAY)
    if not run.ok:
        raise UsageFault("the custom migration does not apply", evidence=run.output)


@scenario.instead("havana/keystone", lane="naive")
def ask_for_a_version(cloud: Cloud) -> Sequence[ToolRun]:
    """What the operator typed before Havana, and what Grizzly's tool said to it."""
    return (cloud.tool("grizzly", "keystone", f"db_sync {STOCK}", overlay=OVERLAY),)


@scenario.preflight("seeded")
def find(cloud: Cloud) -> Iterator[Finding]:
    """A database with a custom column: it has to go back to 22, and the command line cannot do that."""
    if "own_note" not in cloud.columns("keystone", "role"):
        return
    yield finding(
        scenario,
        place="keystone-manage db_sync",
        message=f"keystone has to go back to {STOCK}, and Grizzly's `keystone-manage db_sync` takes no version",
        effect=f"`keystone-manage db_sync {STOCK}` exits 2 with `unrecognized arguments: {STOCK}`",
        cure=Cure(
            "call the library underneath, which takes one",
            (
                Shell(
                    'python -c "from keystone import config; '
                    "config.CONF(['--config-file', '/etc/keystone/keystone.conf'], project='keystone'); "
                    f'from keystone.common.sql import migration; migration.db_sync({STOCK})"'
                ),
            ),
        ),
    )


@scenario.cure("seeded")
def call_the_library(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """Drive Grizzly's own ``db_sync(version)`` with the own file still in place."""
    run = cloud.python("grizzly", "keystone", DOWNGRADE, overlay=OVERLAY)
    if not run.ok:
        raise UsageFault("Grizzly's own db_sync(22) failed", evidence=run.output)
