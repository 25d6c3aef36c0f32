"""A database that the lab did not make: looked at where it runs, and never written to."""

from __future__ import annotations

import re
from typing import Any

import pymysql
import sqlalchemy
from sqlalchemy import event

from osupgrade.lab.sql_server import SqlServer
from osupgrade.model.errors import LabFault, UsageFault

_READS = re.compile(r"\s*(?:\(\s*)*(?:SELECT|SHOW|USE|DESCRIBE|EXPLAIN)\b", re.IGNORECASE)
_UNKNOWN_STATEMENT = 1064


class LiveServer(SqlServer):
    """An operator's own server behind a ``mysql://`` URL. Every session is read-only; there is no container."""

    def __init__(self, url: str) -> None:
        example = "mysql://USER:PASSWORD@HOST:PORT/, with %40 for an @ in the password"
        try:
            parsed = sqlalchemy.make_url(url)
        except (sqlalchemy.exc.ArgumentError, ValueError) as fault:
            raise UsageFault("--url is not a database URL", hint=example) from fault
        if parsed.drivername.partition("+")[0] not in ("mysql", "mariadb"):
            raise UsageFault(f"--url names a {parsed.drivername} server; the lab reads MySQL and MariaDB", hint=example)
        if not parsed.host:
            raise UsageFault("--url names no host", hint=example)
        parsed = parsed.set(drivername="mysql+pymysql")
        self.named = parsed.database or ""
        super().__init__(
            sqlalchemy.create_engine(
                parsed.set(database=None), isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 10}
            )
        )
        event.listen(self.engine, "connect", _read_only)
        event.listen(self.engine, "before_cursor_execute", _refuse_writing)
        try:
            self.rows("", "SELECT 1")
        except (sqlalchemy.exc.SQLAlchemyError, pymysql.Error, OSError, RuntimeError) as fault:
            self.close()
            said = getattr(fault, "orig", fault)
            text = said.args[1] if isinstance(said, pymysql.Error) and len(said.args) > 1 else said
            where = parsed.set(drivername="mysql").render_as_string(hide_password=True)
            raise UsageFault(f"cannot read {where}: {text}", hint="check host, port, account and password") from fault


def _read_only(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        try:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
        except pymysql.err.ProgrammingError as fault:
            if fault.args[0] != _UNKNOWN_STATEMENT:  # servers before MySQL 5.6 and MariaDB 10.0 do not know it
                raise


def _refuse_writing(
    _connection: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool
) -> None:
    """Whatever a preflight of somebody's own does: nothing but reading leaves this process."""
    if not _READS.match(statement):
        raise LabFault(f"this server is only read, so this statement was not sent to it: {statement[:200]}")
