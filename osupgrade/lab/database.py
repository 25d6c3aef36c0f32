"""The database server of a run: started, asked with SQL whether it is ready, filled, dumped and restored."""

from __future__ import annotations

import re
import secrets
import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pymysql
import sqlalchemy
from docker.models.containers import Container
from sqlalchemy import event

from osupgrade.lab.engine import Lab, Mount
from osupgrade.lab.exec import ToolRun, run_in
from osupgrade.lab.relay import Forward, elsewhere
from osupgrade.lab.sql_server import SqlServer
from osupgrade.model.errors import LabFault, MissingFault
from osupgrade.model.quoting import quoted

HOST = "db"
"""The server's name on the lab's network."""
PORT = 3306
START_SECONDS = 60
STOP_SECONDS = 600
"""For a server to write what it has in memory before it ends."""
ANSWER_SECONDS = 5
"""For one greeting of a server; a connection that says nothing is given up, and the next one asked."""
DATA = "/var/lib/mysql"
MEMORY = "16g"
"""How large a data directory in memory may become."""
_FULL = re.compile(
    r"the table '.*' is full|no space left on device|errno: 28\b|errcode: 28\b|got error 28\b|disk full", re.IGNORECASE
)
NO_EVENTS = "--event-scheduler=OFF"
"""MySQL 8 and later run scheduled events by default; events from a dump must not run in the lab."""
_NO_FUNCTION = 1305
_COPIED = "copied"
_ORIGIN = "/snapshot"
"""Where the data directory that a server starts from a copy of is mounted."""
_COPY = (
    f'[ -d {_ORIGIN}/mysql ] || {{ echo "the snapshot was removed meanwhile" >&2; exit 1; }}; '
    f'cp --archive --reflink=auto --sparse=auto {_ORIGIN}/. {DATA}/; exec /opt/lab/db-entry "$@"'
)
COPY_RATE = 20e6
"""Bytes a second that copying a data directory must reach, on a slow disk."""
SHELF = "/var/lib/osupgrade"
"""Where snapshots lie inside the server's container."""


@dataclass(frozen=True)
class Login:
    """An account and where to reach the server with it."""

    host: str
    port: int
    user: str
    password: str

    def url(self, database: str = "", *, driver: str = "mysql+pymysql", charset: str = "utf8") -> str:
        """A database URL. Passwords are hexadecimal, so nothing needs quoting."""
        return f"{driver}://{self.user}:{self.password}@{self.host}:{self.port}/{database}?charset={charset}"

    def connect(self, database: str = "", **options: Any) -> pymysql.Connection[Any]:
        """A connection of its own, outside of the server's pool: for long work, or with a client's own settings."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database or None,
            ssl_disabled=True,  # else each connection reads the machine's certificates first: 50 ms
            **options,
        )


@dataclass(frozen=True)
class Copied:
    """A database's dump that was taken or restored: wall time in seconds, and the dump's bytes."""

    seconds: float
    bytes: int


@dataclass(frozen=True)
class Origin:
    """A volume with the data directory of a server that was shut down cleanly, and what that takes in bytes."""

    volume: str
    bytes: int


NO_GTID = (
    "no_gtid=$(if mysqldump --help 2>/dev/null | grep -e --set-gtid-purged >/dev/null; "
    "then echo --set-gtid-purged=OFF; fi)"
)
"""Sets ``$no_gtid``: MariaDB rejects the GTID statements of MySQL's dumper, and MariaDB's dumper lacks the option."""


class DatabaseServer(SqlServer):
    """One MySQL or MariaDB in a container, listening on 127.0.0.1 with a random password.

    ``admin`` is the lab's own account. Tools and restores use ``tool``, which has rights on the databases
    that :meth:`create` made for it, and none beyond them.
    """

    _way: Forward | None = None
    """How the server is reached where its engine runs on another machine."""
    name: str = HOST
    """The server's name on the lab's network."""

    def __init__(
        self, container: Container, port: int, password: str, *, way: Forward | None = None, name: str = HOST
    ) -> None:
        self.container = container
        self._way = way
        self.name = name
        self._defaults: dict[tuple[str, str], tuple[str, str]] = {}
        host = "127.0.0.1"
        self.admin = Login(host, port, "root", password)
        self.tool = Login(host, port, "lab", password)
        self.watcher = Login(host, port, "watch", secrets.token_hex(16))
        super().__init__(
            sqlalchemy.create_engine(
                self.admin.url(charset="utf8mb4"), pool_size=8, max_overflow=8, isolation_level="AUTOCOMMIT"
            )
        )
        event.listen(self.engine, "checkin", _leave_database)

    def close(self) -> None:
        """Close every connection, and the way to a server that is elsewhere."""
        super().close()
        if self._way:
            self._way.close()

    def inside_url(self, database: str) -> str:
        """The URL by which the release containers' tools reach ``database`` (driver MySQLdb, as of the time)."""
        return Login(self.name, PORT, self.tool.user, self.tool.password).url(database, driver="mysql")

    def create(self, database: str, *, charset: str = "utf8", collation: str = "") -> None:
        """Make an empty database (over one that may be there) on which the tool account has all rights.

        Without ``collation`` it gets the one that the server takes for ``charset``.
        """
        collate = f" COLLATE {collation}" if collation else ""
        self.execute("", f"DROP DATABASE IF EXISTS {quoted(database)}")
        self.execute("", f"CREATE DATABASE {quoted(database)} DEFAULT CHARACTER SET {charset}{collate}")
        self.execute("", f"GRANT ALL ON {quoted(database)}.* TO 'lab'@'%'")

    def renew_password(self, login: Login) -> None:
        """Give an account its own password again, whatever a dump made of it."""
        account = f"'{login.user}'@'%'"
        if "mariadb" in self.version.lower() or self.version.startswith("5."):
            self.execute("", f"SET PASSWORD FOR {account} = PASSWORD('{login.password}')")
        else:  # MySQL 8 has no PASSWORD()
            self.execute("", f"ALTER USER {account} IDENTIFIED BY '{login.password}'")

    def add_hashes(self) -> None:
        """Install SHA1() if the server lacks it: MySQL 9.6 moved it into a component that ships with the server."""
        try:
            self.rows("mysql", "SELECT SHA1('')")
        except sqlalchemy.exc.DBAPIError as fault:
            if getattr(fault.orig, "args", (0,))[0] != _NO_FUNCTION:
                raise
            self.execute("", "INSTALL COMPONENT 'file://component_classic_hashing'")

    def drop(self, database: str) -> None:
        """Drop a database, there or not."""
        self.execute("", f"DROP DATABASE IF EXISTS {quoted(database)}")

    def stop(self) -> None:
        """Shut the server down; raises LabFault where it did not end cleanly. The data directory is then at rest."""
        self.close()
        self.container.stop(timeout=STOP_SECONDS)
        self.container.reload()
        status = self.container.attrs["State"]["ExitCode"]
        if status != 0:
            log = self.container.logs(tail=30).decode("utf-8", "replace")
            raise LabFault(f"the database server ended with status {status} when it was shut down", evidence=log)

    def shell(self, script: str, environment: Mapping[str, str] | None = None) -> ToolRun:
        """Run a shell script beside the server; ``$CLIENT`` and ``$DUMP`` are its client and its dumper."""
        account = f"--user={self.admin.user} --protocol=socket"
        env = {
            "MYSQL_PWD": self.admin.password,
            "CLIENT": f"mysql {account} --default-character-set=utf8",
            "DUMP": f"mysqldump {account} --single-transaction --skip-comments --routines --triggers --hex-blob",
            **(environment or {}),
        }
        return run_in(self.container, ["bash", "-ec", f"set -o pipefail; {script}"], environment=env)

    def defaults(self, database: str) -> tuple[str, str]:
        """A database's default character set and collation."""
        sql = (
            "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata "
            "WHERE schema_name = %s"
        )
        charset, collation = self.rows("", sql, (database,))[0]
        return str(charset), str(collation)

    def save(self, databases: Sequence[str], shelf: str) -> Mapping[str, Copied]:
        """Put a snapshot of ``databases`` on the shelf, all of them side by side; raises LabFault when one fails."""
        place = shlex.quote(f"{SHELF}/{shelf}")
        self._defaults |= {(shelf, name): self.defaults(name) for name in databases}
        jobs = {name: f"$DUMP $no_gtid -- {shlex.quote(name)} > {place}/{shlex.quote(name)}.sql" for name in databases}
        run = self.shell(f"mkdir -p {place}; {NO_GTID}; {_side_by_side(jobs, place)}")
        if not run.ok:
            raise LabFault(f"cannot take the snapshot {shelf}", evidence=_complaints(run.output))
        return _copied(run.output)

    def load(self, shelf: str, databases: Mapping[str, str]) -> Mapping[str, Copied]:
        """Bring a snapshot back: saved name -> the (new) database that takes it. Raises LabFault when one fails."""
        place = shlex.quote(f"{SHELF}/{shelf}")
        for saved, name in databases.items():
            # A dump of one database does not say its default character set, and migrations depend on it.
            charset, collation = self._defaults.get((shelf, saved), ("utf8", ""))
            self.create(name, charset=charset, collation=collation)
        jobs = {
            saved: f"$CLIENT -- {shlex.quote(target)} < {place}/{shlex.quote(saved)}.sql"
            for saved, target in databases.items()
        }
        run = self.shell(_side_by_side(jobs, place))
        if not run.ok:
            raise LabFault(f"cannot restore the snapshot {shelf}", evidence=_complaints(run.output))
        return _copied(run.output)

    def replace_collations(self, shelf: str, replaced: Mapping[str, str]) -> None:
        """Have a shelf's dumps name other collations, and so the databases' defaults; rows are left as they are."""
        if not replaced:
            return
        place = shlex.quote(f"{SHELF}/{shelf}")
        run = self.shell(f"{replacing(replaced)} {place}/*.sql")
        if not run.ok:
            raise LabFault(f"cannot replace collations in the snapshot {shelf}", evidence=run.output)
        self._defaults |= {
            key: (charset, replaced.get(collation, collation))
            for key, (charset, collation) in self._defaults.items()
            if key[0] == shelf
        }

    def take(self, other: DatabaseServer, shelf: str) -> None:
        """Fetch a snapshot from another server's shelf onto the same shelf of this one."""
        self._defaults |= {key: value for key, value in other._defaults.items() if key[0] == shelf}
        stream, _ = other.container.get_archive(f"{SHELF}/{shelf}")
        with tempfile.TemporaryFile() as spool:
            for chunk in stream:
                spool.write(chunk)
            spool.seek(0)
            self.shell(f"mkdir -p {SHELF}")
            self.container.put_archive(SHELF, spool)


def replacing(collations: Mapping[str, str]) -> str:
    """The command, but for the files, that has dumps name other collations; lines with rows are left as they are."""
    words = "; ".join(rf"s/\b{old}\b/{new}/g" for old, new in collations.items())
    return f"sed -i {shlex.quote(f'/^INSERT INTO /! {{ {words} }}')}"


def _side_by_side(jobs: Mapping[str, str], place: str) -> str:
    """A script that does all jobs at once, says how long each took and how large its dump is, and fails with any."""
    timed = " ".join(
        f"{{ s=$EPOCHREALTIME; {job}; "
        f'echo "{_COPIED} {shlex.quote(name)} $s $EPOCHREALTIME $(stat -c %s {place}/{shlex.quote(name)}.sql)"; }} & '
        "pids+=($!);"
        for name, job in jobs.items()
    )
    return f'pids=(); {timed} for p in "${{pids[@]}}"; do wait $p; done'


def _complaints(output: str) -> str:
    """What clients said, without what came of the databases that were through before one failed."""
    return "\n".join(line for line in output.splitlines() if not line.startswith(f"{_COPIED} "))


def _copied(output: str) -> Mapping[str, Copied]:
    found = {}
    for line in output.splitlines():
        if line.startswith(f"{_COPIED} "):
            name, started, ended, size = line.removeprefix(f"{_COPIED} ").rsplit(" ", 3)
            # The shell writes the decimal point of its locale.
            seconds = float(ended.replace(",", ".")) - float(started.replace(",", "."))
            found[name] = Copied(round(seconds, 3), int(size))
    return found


def start_database(
    lab: Lab,
    image: str,
    *,
    durable: bool = False,
    options: Sequence[str] = (),
    memory: bool = True,
    name: str = HOST,
    volume: str = "",
    origin: Origin | None = None,
) -> DatabaseServer:
    """Start a server and wait until it answers SQL; raises LabFault with its log when it does not in a minute.

    ``memory`` keeps the data directory in memory; ``durable`` keeps a production server's settings for timing.
    ``volume`` is where the data directory is to be instead of a volume that goes with the run. With ``origin`` it
    begins as a copy of another one.
    """
    password = secrets.token_hex(16)
    tmpfs = {DATA: f"size={MEMORY}"} if memory else {}
    mounts = [] if memory else [Mount(volume or lab.volume(f"{name}-data"), DATA, read_only=False)]
    if origin:
        mounts.append(Mount(origin.volume, _ORIGIN))
    container = lab.start(
        image,
        name,
        command=(NO_EVENTS, *options),
        entrypoint=("sh", "-ec", _COPY, "db-entry") if origin else (),
        environment={"LAB_ROOT_PASSWORD": password, "LAB_DURABLE": "1" if durable else "0"},
        tmpfs=tmpfs,
        mounts=mounts,
        publish=None if elsewhere() else PORT,
    )
    way = Forward(container, PORT) if elsewhere() else None
    server = DatabaseServer(container, way.port if way else published_port(container), password, way=way, name=name)
    _wait(server, START_SECONDS + (origin.bytes / COPY_RATE if origin else 0))
    for login in (server.tool, server.watcher):
        if origin:  # its accounts came with it, with passwords of another run
            server.renew_password(login)
        else:
            server.execute("", f"CREATE USER '{login.user}'@'%' IDENTIFIED BY '{login.password}'")
    server.execute("", "GRANT PROCESS ON *.* TO 'watch'@'%'")
    return server


def no_room(what: str, text: str) -> MissingFault | None:
    """The fault that ends a command for an error that means a full disk; None for any other error."""
    if not _FULL.search(text):
        return None
    return MissingFault(
        f"the database server has no room left for {what}",
        hint="free some space on the engine's disk, or take a machine with more memory and disk",
        evidence=text,
    )


def published_port(container: Container, port: int = PORT) -> int:
    """The port on 127.0.0.1 behind which the container's ``port`` is."""
    container.reload()
    published = container.ports.get(f"{port}/tcp")
    if not published:
        log = container.logs(tail=30).decode("utf-8", "replace")
        raise LabFault(f"the container {container.name} does not publish port {port}", evidence=log)
    return int(published[0]["HostPort"])


def _wait(server: DatabaseServer, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not _answers(server.admin):
        server.container.reload()
        if server.container.status != "running" or time.monotonic() > deadline:
            log = server.container.logs(tail=30).decode("utf-8", "replace")
            fault = LabFault("the database server did not start", evidence=log, hint="osupgrade doctor")
            raise no_room("its data directory", log) or fault


def _answers(login: Login) -> bool:
    # The server's own greeting paces the loop: a refused connection returns at once, so ask again a moment later.
    try:
        login.connect(connect_timeout=2, read_timeout=ANSWER_SECONDS).close()
    except (pymysql.Error, OSError):
        time.sleep(0.05)
        return False
    return True


def _leave_database(dbapi_connection: Any, _record: Any) -> None:
    """A pooled connection must not carry session state of one user to the next; a lost one is None."""
    if dbapi_connection is None:
        return
    with dbapi_connection.cursor() as cursor:
        cursor.execute("SET SESSION foreign_key_checks=1, SESSION sql_mode=DEFAULT")
