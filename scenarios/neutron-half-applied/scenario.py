"""A run of db-manage that stopped cannot be run again on what it left: MySQL commits every CREATE and ALTER."""

import re
from collections.abc import Iterator, Sequence

from osupgrade.scenarios import (
    Blocks,
    Cloud,
    Cure,
    Finding,
    LabFault,
    Scenario,
    Shell,
    bring_back,
    finding,
    keep_dump,
    restore_cost,
)

scenario = Scenario(
    title="db-manage is run again on what an interrupted run left",
    services=("neutron",),
    symptom=Blocks(
        "havana/neutron", error=r"1050, \"Table 'portbindingports' already exists\"", version="f489cf14a79c"
    ),
)

RELEASES = {"folsom", "grizzly", "havana", "icehouse", "juno", "kilo", "liberty"}
"""The revision after a complete run of db-manage; later than Icehouse is another finding's."""

REVISION = re.compile(r"[0-9a-f]{6,32}")
"""How alembic calls a revision; anything else was written by no tool, and the version table's own finding says so."""

INTERRUPTED = """
import sys
sys.argv = ["neutron-db-manage", "--config-file", etc + "/neutron.conf", "--config-file", etc + "/plugin.ini",
            "upgrade", "head"]
from sqlalchemy import event
from sqlalchemy.engine import Engine
from neutron.db.migration import cli

def interrupt(connection, cursor, statement, parameters, context, executemany):
    if statement.startswith("UPDATE alembic_version") and "176a85fc7d79" in statement + str(parameters):
        raise KeyboardInterrupt

event.listen(Engine, "before_cursor_execute", interrupt)
cli.main()
"""
"""Havana's own tool, and Ctrl-C once it has made portbindingports and before it writes the version down."""


@scenario.inject("before:havana/neutron")
def interrupt(cloud: Cloud) -> None:
    """The operator takes a dump, runs db-manage, and it is interrupted."""
    keep_dump(cloud, "neutron")
    run = cloud.python("havana", "neutron", INTERRUPTED)
    if "KeyboardInterrupt" not in run.output:
        raise LabFault("db-manage should have been interrupted", evidence=run.output[-2000:])


@scenario.preflight("seeded", "before:havana/neutron", "before:icehouse/neutron")
def find(cloud: Cloud) -> Iterator[Finding]:
    """A version between two releases."""
    stamps = cloud.versions("neutron", "alembic_version")
    if not stamps or set(stamps) <= RELEASES or not all(REVISION.fullmatch(stamp) for stamp in stamps):
        return
    yield finding(
        scenario,
        place="neutron.alembic_version",
        message=f"neutron is at revision {', '.join(stamps)}, between two releases: a run of db-manage stopped there",
        effect="what the failed migration created still exists, so the next run stops there with 1050, 1060 or 1091; what a "
        "wrong core_plugin skipped is never created; " + restore_cost(cloud, "neutron"),
        evidence=cloud.evidence("neutron", "SELECT version_num FROM alembic_version"),
        cure=Cure(
            "fix the cause, restore neutron's dump from before the failed run, and run again",
            (Shell("mysql neutron < neutron-before.sql   # into an empty database"),),
        ),
    )


@scenario.cure("before:havana/neutron")
def restore(cloud: Cloud, _findings: Sequence[Finding]) -> None:
    """The dump that the operator took before."""
    bring_back(cloud, "neutron")
