"""One hash of all that a database holds: equal databases, equal hashes, in whatever order the rows come."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Collection, Mapping

import sqlalchemy
from sqlalchemy import text

from osupgrade.lab.sql_server import send
from osupgrade.model.quoting import literal, quoted

_TIMES = ("datetime", "timestamp")


def table_hashes(
    connection: sqlalchemy.Connection,
    database: str,
    without: Mapping[str, Collection[str]] | None = None,
    since: datetime.datetime | None = None,
) -> Mapping[str, str]:
    """Table -> rows and hash of its contents, for every table of ``database``.

    The server hashes each row over all its columns, in the order of their names and with NULL distinct from the
    empty string, and adds the hashes up, so neither the order of rows nor that of columns matters. Nothing is left
    out but the columns that ``without`` names by table: two rows that are the same count twice. With ``since`` (UTC),
    every time from then until now counts as the same one, whether it was written in UTC or by the server's own clock.
    """
    query = text(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = :database "
        "AND table_name IN (SELECT table_name FROM information_schema.tables WHERE table_schema = :database "
        "AND table_type = 'BASE TABLE') ORDER BY table_name, column_name"
    )
    columns: dict[str, list[str]] = {}
    recent = _recent(since) if since else ""
    for table, column, kind in connection.execute(query, {"database": database}):
        if column not in (without or {}).get(table, ()):
            # Each cell by its own hash: no separator can occur in it, and no long text outgrows max_allowed_packet.
            cell = f"IFNULL(SHA2({quoted(column)}, 256), 'NULL')"
            if recent and kind.lower() in _TIMES:
                cell = f"IF({recent.format(column=quoted(column))}, 'recent', {cell})"
            columns.setdefault(table, []).append(cell)
    return {table: _hash_of(connection, database, table, names) for table, names in columns.items()}


def data_hash(connection: sqlalchemy.Connection, database: str) -> str:
    """The hash of everything in ``database``; see ``table_hashes``."""
    return hash_of_tables(table_hashes(connection, database))


def hash_of_tables(tables: Mapping[str, str]) -> str:
    """The hash over what ``table_hashes`` gave for one or several databases."""
    lines = "\n".join(f"{name} {value}" for name, value in sorted(tables.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _recent(since: datetime.datetime) -> str:
    """The condition that ``{column}`` is a time from ``since`` until now."""
    first = literal(since.astimezone(datetime.UTC).replace(microsecond=0, tzinfo=None).isoformat(" "))
    # Services write UTC, but NOW() in a migration is the server's own time. A second more: some round up.
    own = f"TIMESTAMPADD(SECOND, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()), {first})"
    return (
        f"{{column}} BETWEEN {first} AND UTC_TIMESTAMP() + INTERVAL 1 SECOND "
        f"OR {{column}} BETWEEN {own} AND NOW() + INTERVAL 1 SECOND"
    )


def _hash_of(connection: sqlalchemy.Connection, database: str, table: str, cells: list[str]) -> str:
    row = f"SHA2(CONCAT_WS('|', {', '.join(cells)}), 256)"  # not MD5(): MySQL 9.6 took it out
    # Four sums of 32 bits each of the rows' hashes: exact in DECIMAL, whatever the number of rows.
    sums = ", ".join(f"IFNULL(SUM(CAST(CONV(SUBSTR(h, {at}, 8), 16, 10) AS UNSIGNED)), 0)" for at in (1, 9, 17, 25))
    sql = f"SELECT COUNT(*), {sums} FROM (SELECT {row} AS h FROM {quoted(database)}.{quoted(table)}) r"
    count, *parts = tuple(send(connection, sql).one())
    return f"{count} {hashlib.sha256('/'.join(f'{int(part)}' for part in parts).encode()).hexdigest()}"
