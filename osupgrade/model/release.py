"""Releases, services, hops and paths, as values read from ``images/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from osupgrade.model.finding import Sql

CLOSED = ConfigDict(extra="forbid")
"""For what is read from files as it is: a key that it does not have is refused."""


@dataclass(frozen=True)
class Pin:
    """Where a service's code comes from: a tag and the commit that it must resolve to."""

    tag: str
    commit: str


ALEMBIC = "alembic_version"
"""The version table of the services whose migrations are Alembic's; the others have sqlalchemy-migrate's."""
NUMBERED = "migrate_version"
"""The version table of sqlalchemy-migrate, with a row for each repository of migrations."""
VERSION_TABLES = (ALEMBIC, NUMBERED)
"""Alembic's counts where both are there: a service that changed to it leaves its older table as it was."""


def version_column(table: str) -> str:
    """The column of a version table that holds the revisions."""
    return "version_num" if table == ALEMBIC else "version"


@dataclass(frozen=True)
class Database:
    """One database of a service at one release.

    ``head`` are the revisions its version table holds when the release's tool is done, sorted. ``repositories`` are
    those of the rows of a ``migrate_version`` that count, where others are left over from older releases.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    name: str
    version_table: str
    head: tuple[str, ...]
    repositories: tuple[str, ...] = ()

    @property
    def version_column(self) -> str:
        """The column of its version table that holds the revisions."""
        return version_column(self.version_table)


@dataclass(frozen=True)
class JumpResult:
    """A result of an upgrade check, by name, that is a failure on every jump; a warning before ``since``.

    ``since`` is a version id, ``remedy`` what an operator has to do about it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    check: str
    since: str
    remedy: str


@dataclass(frozen=True)
class Command:
    """One call of a service's own tool.

    ``entry`` is ``module:function``, ``-m module`` or a script below the service's tree; ``args`` are templates
    over the names that the configuration templates see. ``accepts`` are the exit statuses that are no failure.
    ``ignores`` are results of an upgrade check, by name, that a later stage judges; ``on_jumps`` those that fail
    whenever a release was skipped.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    name: str
    entry: str
    args: tuple[str, ...] = ()
    gettext: str | None = None
    accepts: tuple[int, ...] = (0,)
    ignores: tuple[str, ...] = ()
    on_jumps: tuple[JumpResult, ...] = ()
    online: bool = False
    """Whether the service's API may stay up meanwhile."""


@dataclass(frozen=True)
class Started:
    """What a release's services write when they start after the hop: no tool does it, and the next release asks.

    The lab writes it with ``written``; an operator starts the services, waits for what ``title`` says, and sees that it
    is so when ``unfinished`` gives no row.
    """

    written: Sql
    title: str
    unfinished: str


@dataclass(frozen=True)
class DataStop:
    """Work on a cloud's data that only some releases' own code does, and that a release's migrations find done.

    A database that comes from none of ``at`` (version ids) cannot go straight to the release that has the stop.
    ``rows`` names what is concerned, and ``unfinished`` selects it; ``silent`` says that the tool does not notice.
    """

    at: tuple[str, ...]
    why: str
    rows: str = ""
    unfinished: Sql | None = None
    silent: bool = False


@dataclass(frozen=True)
class Arrival:
    """How a service that used to live in another service's database gets its own: ``tables`` are copied from there.

    ``command`` then records the revision at which its own migrations begin.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    source: str
    """The database in which it lived."""
    database: str
    tables: tuple[str, ...]
    command: Command


@dataclass(frozen=True)
class ServiceRelease:
    """One service at one release: its code, its databases, its configuration files and its upgrade calls."""

    service: str
    release: str
    databases: tuple[Database, ...]
    upgrade: tuple[Command, ...]
    config: Mapping[str, str]
    """File name below the configuration directory -> template text."""
    pin: Pin | None = None
    package: str | None = None
    """Distribution name on PyPI, for releases that are installed from there."""
    version: str = ""
    """Its pinned version."""
    create: tuple[Command, ...] = ()
    """Calls that make the schema on an empty database, where they differ from ``upgrade``."""
    check: tuple[Command, ...] = ()
    """The service's own upgrade check, run after the hop; part of the verdict."""
    relocate: tuple[Sql, ...] = ()
    """Statements that tell the databases where they themselves now are, once a copy has other names."""
    started: tuple[Started, ...] = ()
    has_tables: frozenset[str] = frozenset()
    """Tables by which a database without a version is known to be of this release, with ``lacks_tables``."""
    lacks_tables: frozenset[str] = frozenset()
    volatile: tuple[str, ...] = ()
    """``database.table.column`` that the hop fills with random values, which differ between runs."""
    oldest_source: str = ""
    """The version id of the oldest release whose database its tool takes; empty where nobody looked."""
    stops: tuple[DataStop, ...] = ()
    arrival: Arrival | None = None
    unfinished: tuple[str, ...] = ()
    """Patterns of what its tools print when they leave work undone and exit 0 all the same."""

    @property
    def step(self) -> str:
        """``release/service``, the name that stages use."""
        return f"{self.release}/{self.service}"

    @property
    def code(self) -> str:
        """What exactly runs: a commit, or a distribution and its version."""
        return self.pin.commit if self.pin else f"{self.package} {self.version}"


@dataclass(frozen=True)
class Finish:
    """A last move after all chains, such as ``ml2``: one command that one service's tool runs."""

    name: str
    service: str
    release: str
    command: Command
    tables: tuple[str, ...]
    """Tables that must exist afterwards."""


@dataclass(frozen=True)
class Preparation:
    """What an operator can do in the days before, with the APIs up, so that the night is shorter.

    ``commands`` are arguments of the service's own tool, in the release that runs until then; then come the ``steps``.
    ``cured`` is the scenario whose cure does the same, where there is one.
    """

    name: str
    service: str
    title: str
    cured: str = ""
    commands: tuple[str, ...] = ()
    steps: tuple[Sql, ...] = ()


@dataclass(frozen=True)
class FinishOperator:
    """What operators must know about a finish: before its release's tools are run, and before its services start."""

    before: str = ""
    starting: str = ""


@dataclass(frozen=True)
class Operator:
    """What operators of a release type and where they have their files; the lab does the same by its own means.

    ``files`` maps the lab's names of configuration files to those that distributions give them, as templates over
    ``site``; ``programs`` maps the modules of tools to what packages call them. Other tools are ``SERVICE-MODULE``.
    """

    control: str = "systemctl {verb} {unit}"
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By service: what writes to its databases, by the names of Ubuntu's and Debian's packages."""
    programs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    finishes: Mapping[str, FinishOperator] = field(default_factory=dict)
    new_server: str = ""
    """What else to do when the databases are migrated to another server, in Markdown."""

    def units_of(self, service: str) -> tuple[str, ...]:
        """The units of a service; one of its own name where nothing is known."""
        return self.units.get(service, (service,))


@dataclass(frozen=True)
class Release:
    """One point release with every service pinned."""

    name: str
    version: str
    runtime: str
    services: Mapping[str, ServiceRelease]
    environment: Mapping[str, str]
    upgrades_from: tuple[str, ...]
    """Releases from which this one may be reached in one hop; empty for the first of a path."""
    rule: str
    """Why other releases may not be skipped to this one, for the message of a refused plan."""
    finishes: Mapping[str, Finish] = field(default_factory=dict)
    driver: str = "mysql"
    """What comes before ``://`` in the database URLs of its configuration."""
    preparations: tuple[Preparation, ...] = ()
    """What makes an upgrade from this release shorter."""
    starting: str = ""
    """What an operator must know before starting its services."""
    operator: Operator = Operator()
    seed: str = ""
    """The seeder that makes a cloud of this release; empty where none does."""
    databases: tuple[str, ...] = ()
    """The database images that a route to this release is rehearsed on, the default first."""
    checks: tuple[str, ...] = ()
    """The invariants that hold at the end of a route to this release."""


@dataclass(frozen=True)
class UpgradePath:
    """An ordered list of releases and a finishing stage."""

    name: str
    releases: tuple[str, ...]
    finish: str | None
    databases: tuple[str, ...]
    """Database images the path is rehearsed on, the default first."""
    carries: tuple[str, ...] = ()
    """The scenarios that the cloud of a plain `make rehearse` carries all at once."""
    checks: tuple[str, ...] = ()
    """The invariants that hold at its end; a part of the path ends elsewhere and promises none."""
    stops: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Service -> the releases at which it stops, for those that do not stop at all of them."""


@dataclass(frozen=True)
class Hop:
    """One service from one release to the next, done by the later release's own tool."""

    service: str
    source: str
    target: str

    @property
    def step(self) -> str:
        """``target/service``, the name that stages use."""
        return f"{self.target}/{self.service}"

    def __str__(self) -> str:
        return self.step
