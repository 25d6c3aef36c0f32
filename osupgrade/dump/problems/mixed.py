"""Several dumps in one file that cannot be separated."""

from __future__ import annotations

from osupgrade.dump.problems.problem import Problem
from osupgrade.dump.seen import Seen
from osupgrade.model.text import counted


def mixed(seen: Seen, name: str) -> Problem | None:
    """Whether one of several dumps in a file would be put over another.

    A schema and its rows, or one table after the other, may well be appended to one file: they are of the same database
    and no table comes twice.
    """
    clash = _clash(seen)
    if not clash:
        return None
    pairs = zip(seen.headers, seen.hosts, strict=True)
    where = ", ".join(f"{host or 'a dump'} at line {line}" for (line, _), host in pairs)
    count = (
        counted(len(seen.headers), "{n} dump[s] in one file ({where})", where=where)
        if len(seen.headers) > 1
        else "several dumps in one"
    )
    return Problem(
        f"{name} is {count}, and {clash}",
        "the client would restore one over the other, and keep only what comes last",
        "put each dump into its own file",
    )


def _clash(seen: Seen) -> str:
    several = len(seen.headers) > 1
    if several and not seen.made and len(set(seen.hosts)) > 1:
        return "none of them says which database it is for"
    if seen.loose:
        return f"the one with the table {seen.loose} does not say which database it is for"
    if seen.twice:
        twice = [name for name, count in seen.made.items() if count > 1]
        if several and twice:
            return f"more than one holds the database {twice[0]}"
        return f"the table {seen.twice} comes twice for one database"
    return ""
