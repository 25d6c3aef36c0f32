"""A last look at a masked copy, in the server's own words: whether any name or comment in it is the site's own.

It knows nothing of how definitions were rewritten: it asks what there is, and for each name whether it is known or a
mask that was made.
"""

from __future__ import annotations

from collections.abc import Iterator

from osupgrade.dump.mask.names import Names
from osupgrade.lab.database import DatabaseServer

_NAMES = {
    "table": "SELECT table_name FROM information_schema.tables WHERE table_schema = %s",
    "column": "SELECT column_name FROM information_schema.columns WHERE table_schema = %s",
    "index": "SELECT index_name FROM information_schema.statistics WHERE table_schema = %s",
    "constraint": "SELECT constraint_name FROM information_schema.table_constraints WHERE table_schema = %s",
    "trigger": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s",
}
_COMMENTS = {
    "table": (
        "SELECT table_name, table_comment FROM information_schema.tables "
        "WHERE table_schema = %s AND table_type <> 'VIEW'"
    ),
    "column": "SELECT table_name, column_comment FROM information_schema.columns WHERE table_schema = %s",
    "index": "SELECT table_name, index_comment FROM information_schema.statistics WHERE table_schema = %s",
    "partition": (
        "SELECT table_name, COALESCE(partition_comment, '') FROM information_schema.partitions WHERE table_schema = %s"
    ),
}
_CODE = {
    "routine": "SELECT routine_name, '' FROM information_schema.routines WHERE routine_schema = %s",
    "event": "SELECT event_name, '' FROM information_schema.events WHERE event_schema = %s",
}


def left_over(server: DatabaseServer, database: str, names: Names) -> Iterator[str]:
    """What is in a copy and should not be, without saying it."""
    made = frozenset(names.made.values())
    for kind, sql in _NAMES.items():
        for (name,) in server.rows("", sql, (database,)):
            if name not in made and names.mask(name) != name:
                yield f"the name of {_a(kind)} in {database}"
    for kind, sql in _COMMENTS.items():
        for table, comment in server.rows("", sql, (database,)):
            if comment:
                yield f"the comment on {_a(kind)} of {database}.{table}"
    for kind, sql in _CODE.items():
        for _ in server.rows("", sql, (database,)):
            yield f"{_a(kind)} in {database}"


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
