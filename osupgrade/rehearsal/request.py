"""The request for a rehearsal, as plain data: a run's manifest keeps it, and ``reproduce`` reads it from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from osupgrade.catalog.loading import Strict, validate
from osupgrade.catalog.releases import usual_path
from osupgrade.catalog.running import Level
from osupgrade.catalog.site import Site
from osupgrade.catalog.survey import Survey
from osupgrade.model.errors import UsageFault
from osupgrade.model.host import Host
from osupgrade.model.quoting import shell_join
from osupgrade.rehearsal.estimate.predict import TOP
from osupgrade.seed.description import CloudDescription

LARGE = 100
"""From this scale on the database's files are on disk and not in memory."""


class Estimating(Strict):
    """The request for an estimate of the time in production; ``host`` is the operator's controller, where measured."""

    host: Host | None = None


class Request(Strict):
    """What is to be rehearsed, with the names as they were given.

    With ``dumps`` the cloud is the operator's; without, it is seeded from ``description`` (None: the default cloud) and
    multiplied by ``scale``.
    """

    path: str = ""
    """A path or route; empty for the one that the dumps are on."""
    services: tuple[str, ...] = ()
    """Empty for all of the path, or those of the dumps."""
    site: Site = Site()
    dumps: tuple[Path, ...] = ()
    description: CloudDescription | None = None
    scale: int = 1
    scenarios: tuple[str, ...] = ()
    """The traps that are put into the cloud."""
    own_scenarios: tuple[Path, ...] = ()
    """Directories of scenarios besides the lab's own."""
    cures: Literal["all", "none"] | tuple[str, ...] = "all"
    """The scenarios whose findings may be cured."""
    survey: Survey | None = None
    """How the operator's server is set up."""
    database: str = "auto"
    new_database: str = ""
    """Where the cloud is moved to a new controller: its database image; ``database`` is then the old one's."""
    moves: Literal["auto", "none"] | tuple[str, ...] = "auto"
    """The migrations to other database servers during the route, as ``IMAGE@RELEASE``."""
    rollback: bool = False
    """Whether a backup is taken, and its restore rehearsed."""
    level: Level | None = "smoke"
    """How far the last release's APIs are queried; None for not at all."""
    fast: bool = False
    """Whether the APIs are queried without a message broker."""
    estimate: Estimating | None = None
    times: int = 1
    """How often the same cloud is upgraded along the path; it must end the same every time."""
    jobs: int = 6
    """How many services are upgraded side by side; a release has at most six."""
    keep: bool = False
    """Whether the database is left up at the end."""
    files: Mapping[str, Path] = {}
    """The files that options named, by option: their contents are above, and this is for showing the command."""

    @property
    def naive(self) -> bool:
        """Whether nothing is cured: the traps show themselves."""
        return self.cures == "none"

    @property
    def factor(self) -> int:
        """How many times the seeded cloud is multiplied; beyond a limit an estimate predicts instead."""
        return min(self.scale, TOP) if self.estimate else self.scale

    def may_cure(self, name: str) -> bool:
        """Whether the findings of the scenario of this name may be cured."""
        return name in self.cures if isinstance(self.cures, tuple) else self.cures == "all"

    def changed(self, **changes: Any) -> Request:
        """The same request with some of its facts changed."""
        return self.model_copy(update=changes)

    def data(self) -> dict[str, Any]:
        """As JSON has it; but for the path, what is as usual is left out."""
        return {"path": self.path, **self.model_dump(mode="json", exclude_defaults=True)}

    def command(self, cures: Sequence[str] = ()) -> str:
        """The command line of this request; with ``cures``, for the same with only these findings cured."""
        words = ["osupgrade", "rehearse", *map(str, self.dumps)]
        words += _options(self, cures)
        return shell_join(words)


def read_request(data: Mapping[str, object], source: str) -> Request:
    """The request that a run's manifest holds; raises UsageFault for one of another osupgrade."""
    try:
        return validate(data, Request, source)
    except UsageFault as fault:
        raise UsageFault(
            f"that run cannot be repeated with this version of osupgrade: {fault.message}",
            hint="use the version of osupgrade that made the run",
        ) from fault


def _options(request: Request, cures: Sequence[str]) -> list[str]:
    usual = Request()
    moved = bool(request.new_database)
    words: list[str] = []
    if request.path and (request.dumps or request.path != usual_path()):
        words += ["--path", request.path]
    if request.services:
        words += ["--services", ",".join(request.services)]
    for option in ("--site", "--survey", "--cloud"):
        words += _each(option, request.files.get(option))
    words += _each("--scenario", *request.scenarios) + _each("--scenarios", *request.own_scenarios)
    if moved:
        words += ["--strategy", "new-controller", "--old-db", request.database, "--db", request.new_database]
    elif request.database != usual.database:
        words += ["--db", request.database]
    if request.moves != "auto":
        words += _each("--move", *((request.moves,) if isinstance(request.moves, str) else request.moves))
    for option, value, normal in (
        ("--scale", request.scale, usual.scale),
        ("--verify", request.level or "none", usual.level),
        ("--times", request.times, usual.times),
        ("--jobs", request.jobs, usual.jobs),
    ):
        words += [option, str(value)] if value != normal else []
    words += [f"--{name}" for name in ("fast", "keep") if getattr(request, name)]
    if request.estimate:
        words += ["--estimate", *_each("--factor-file", request.files.get("--factor-file"))]
    words += _rollback(request)
    wanted = tuple(cures) or (request.cures if isinstance(request.cures, tuple) else ())
    if wanted:
        words += ["--cure", ",".join(wanted)]
    elif request.naive:
        words.append("--no-cure")
    return words


def rolls_back(strategy: str, scale: int, wanted: bool | None) -> bool:
    """Whether the way back is rehearsed: as it is wanted, else always but for large seeded clouds."""
    return (bool(strategy) or scale < LARGE) if wanted is None else wanted


def _rollback(request: Request) -> list[str]:
    strategy = "new-controller" if request.new_database else ""
    if request.rollback == rolls_back(strategy, request.scale, None):
        return []
    return ["--rollback" if request.rollback else "--no-rollback"]


def _each(option: str, *values: object) -> list[str]:
    return [word for value in values if value is not None for word in (option, str(value))]
