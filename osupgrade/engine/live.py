"""A database that the lab did not make: looked at where it runs, and never written to."""

from __future__ import annotations

from typing import Any

import pymysql
import sqlalchemy
from sqlalchemy import event

from osupgrade.engine.database import DatabaseServer
from osupgrade.errors import UsageFault


class LiveServer(DatabaseServer):
    """An operator's own server behind a ``mysql://`` URL. Every session is read-only; there is no container."""

    def __init__(self, url: str) -> None:
        try:
            parsed = sqlalchemy.make_url(url).set(drivername="mysql+pymysql")
        except sqlalchemy.exc.ArgumentError as fault:
            raise UsageFault(f"{url!r} is no database URL", hint="mysql://USER:PASSWORD@HOST:PORT/") from fault
        self.named = parsed.database
        self.engine = sqlalchemy.create_engine(
            parsed.set(database=None), isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 10}
        )
        event.listen(self.engine, "connect", _read_only)
        try:
            self.rows("", "SELECT 1")
        except (sqlalchemy.exc.DBAPIError, pymysql.Error) as fault:
            where = parsed.set(password="***").render_as_string(hide_password=False)
            said = getattr(fault, "orig", fault)
            raise UsageFault(f"cannot read {where}: {said}", hint="check host, port and account") from fault


def _read_only(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
