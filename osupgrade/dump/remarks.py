"""What there is to say of a dump that was restored, where the lab's server is not quite the one it came from."""

from __future__ import annotations

from collections.abc import Sequence

from osupgrade.dump.read import Dump
from osupgrade.lab.database import DatabaseServer
from osupgrade.model.finding import Finding, Severity


def other_engines(server: DatabaseServer, dump: Dump) -> list[Finding]:
    """A remark on the engines that the server lacks: it silently creates such tables with its own."""
    has = {
        str(row[0]).lower()
        for row in server.rows("", "SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')")
    }
    lacks = [name for name in dump.engines if name not in has]
    if not lacks:
        return []
    words = f"{dump.name} uses the engine {' and '.join(lacks)}, which {server.version} does not have"
    return [
        Finding(
            "dump",
            Severity.WARNING,
            "",
            dump.name,
            f"{words}: these tables are InnoDB here",
            "the upgrade may affect them differently on your server: ask its vendor, or convert them first",
        )
    ]


def views_left_out(dump: Dump, views: Sequence[str]) -> list[Finding]:
    """A remark on the views of a dump that were not restored."""
    if not views:
        return []
    words = f"of {dump.name}, views that read from other databases are left out: {', '.join(views)}"
    why = "those databases are not restored, so what the upgrade does to such a view is not tested"
    return [Finding("dump", Severity.WARNING, "", dump.name, words, why)]
