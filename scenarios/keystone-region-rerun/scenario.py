"""Icehouse's keystone makes a latin1 table itself, and refuses it when it is run again."""

from collections.abc import Sequence

from osupgrade.scenarios import Cloud, ToolRun, declared

scenario = declared(__file__)


@scenario.instead("icehouse/keystone", lane="naive")
@scenario.instead("icehouse/keystone", lane="cured")
def run_twice(cloud: Cloud) -> Sequence[ToolRun]:
    """The package runs it when it is installed, the operator runs it again."""
    return tuple(cloud.tool("icehouse", "keystone", "db_sync") for _ in range(2))
