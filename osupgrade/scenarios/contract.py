"""The scenario contract: one trap, how it gets into a cloud, its symptom, its preflight, its cure and its check.

A scenario is a directory with a ``scenario.py`` that makes one ``scenario = Scenario(...)`` and hangs functions on it::

    scenario = Scenario(
        title="A back-ported column stops nova's Havana migrations",
        services=("nova",),
        symptom=Blocks("havana/nova", error=r"1060.*disabled_reason", version="187"),
    )

    @scenario.inject()
    def plant(cloud): cloud.execute("nova", "ALTER TABLE ...")

    @scenario.preflight("seeded")
    def find(cloud): yield Finding(...)

Functions get a :class:`osupgrade.cloud.Cloud`. A finding's cure is applied as the finding states it, unless the
scenario brings its own ``@scenario.cure`` function; so what the operator reads is what the lab does.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from osupgrade.catalog import content
from osupgrade.dump.limits import how_to_raise, limits
from osupgrade.model.errors import Fault, UsageFault
from osupgrade.model.finding import Evidence, Finding
from osupgrade.model.foreign import TookTooLong, contained, raised_by_it
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import shell_word
from osupgrade.model.stage import SEEDED, Stage

if TYPE_CHECKING:
    from osupgrade.cloud.cloud import Cloud, ToolRun

Lane = Literal["naive", "cured"]


@dataclass(frozen=True)
class Blocks:
    """The symptom is loud: this step fails, with this error, and leaves the database at this version.

    ``error`` is a regular expression over the tool's log; ``version`` what the version table says afterwards.
    """

    step: str
    error: str
    version: str | None = None

    @property
    def stage(self) -> Stage:
        """Where the symptom shows."""
        return Stage.after(self.step)


@dataclass(frozen=True)
class Damage:
    """What a silent trap damages on the seeded cloud: how many rows, and how the first of them begins."""

    rows: int
    first: tuple[str, ...] = ()


@dataclass(frozen=True)
class Silent:
    """The symptom is silent: every tool exits 0, and the scenario's ``@probe`` finds the damage at this stage.

    ``breaks`` names the invariants that go red with it; no other may. ``shows`` are regular expressions: what the last
    release's running services say of such a cloud when their APIs are queried, each of them and nothing else.
    """

    at: str
    breaks: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    damage: Damage | None = None

    @property
    def stage(self) -> Stage:
        """Where the symptom shows."""
        return Stage.parse(self.at)


@dataclass(frozen=True)
class RestoreFails:
    """The symptom shows before anything runs: the dump does not restore, with this error (regular expression)."""

    error: str

    @property
    def stage(self) -> Stage:
        """Where the symptom shows."""
        return SEEDED


Symptom = Blocks | Silent | RestoreFails
Driver = Callable[["Cloud"], None]
Preflight = Callable[["Cloud"], Iterable[Finding]]
Probe = Callable[["Cloud"], Evidence]
Instead = Callable[["Cloud"], "Sequence[ToolRun]"]
Treat = Callable[["Cloud", Sequence[Finding]], "Cloud | None"]
"""Applies a cure; returns the cloud with its new site where the cure changes the site."""


@dataclass
class Scenario:
    """One trap. The keyword arguments state it, the decorators attach what is done about it."""

    title: str
    services: tuple[str, ...]
    symptom: Symptom
    hops: tuple[str, ...] = ()
    """The steps where it bites, such as ``havana/nova``; the symptom's own step where none is given. Every route that
    has one of them has the trap."""
    site: Mapping[str, Any] = field(default_factory=dict)
    """Keys of ``site.toml`` that differ for this trap."""
    replaces: bool = False
    """Whether its injection puts other databases in the place of the cloud's own. The invariants, which compare with
    the cloud before, are not asked then, and no other scenario's cure is applied."""
    universal: bool = False
    """Whether every cloud has it by nature: its cure is then part of every lane but its own naive one."""
    not_on: Mapping[str, str] = field(default_factory=dict)
    """Database images on which the symptom does not show, each with the reason. It is not run there, and the
    report says so; its preflight and its cure work there all the same."""
    name: str = ""
    directory: Path = Path()
    injections: list[tuple[Stage, Driver]] = field(default_factory=list)
    preflights: list[tuple[tuple[Stage, ...], Preflight]] = field(default_factory=list)
    treatments: dict[Stage, Treat] = field(default_factory=dict)
    probes: list[tuple[Stage, Probe]] = field(default_factory=list)
    verifications: list[tuple[Stage, Preflight]] = field(default_factory=list)
    replacements: dict[tuple[Lane, str], Instead] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.hops and self.symptom.stage.moment != "at":
            self.hops = (self.symptom.stage.step,)

    @property
    def command(self) -> str:
        """The command that rehearses with its cure."""
        more = ""
        if self.directory.parent != content.scenarios():
            more = f" --scenarios {shell_word(str(self.directory.parent))}"
        return f"osupgrade rehearse --cure {self.name}{more}"

    @property
    def stages(self) -> frozenset[Stage]:
        """Every stage to which something of it is attached."""
        attached = {at for at, _ in (*self.injections, *self.probes, *self.verifications)} | set(self.treatments)
        looked_at = {at for stages, _ in self.preflights for at in stages}
        return frozenset({self.symptom.stage, *attached, *looked_at})

    def applies(self, plan: Plan) -> bool:
        """Whether a cloud can meet the trap on this route."""
        return not set(self.hops).isdisjoint(plan.steps)

    def can_run(self, plan: Plan) -> bool:
        """Whether the route has every step that its lanes need."""
        replaced = {step for _, step in self.replacements}
        attached = {stage.step for stage in self.stages if stage.moment != "at"}
        return self.applies(plan) and {*replaced, *attached} <= set(plan.steps)

    def inject(self, at: str = "seeded") -> Callable[[Driver], Driver]:
        """Attach a function that puts the trap into the cloud at stage ``at``."""

        def attach(function: Driver) -> Driver:
            self.injections.append((Stage.parse(at), function))
            return function

        return attach

    def preflight(self, *at: str) -> Callable[[Preflight], Preflight]:
        """Attach a function that finds the trap in any cloud; it runs at each of the stages ``at``."""

        def attach(function: Preflight) -> Preflight:
            self.preflights.append((tuple(Stage.parse(text) for text in at) or (SEEDED,), function))
            return function

        return attach

    def cure(self, at: str = "seeded") -> Callable[[Treat], Treat]:
        """Attach what cures the findings whose cure belongs to stage ``at``, in place of their own statements."""

        def attach(function: Treat) -> Treat:
            self.treatments[Stage.parse(at)] = function
            return function

        return attach

    def probe(self, at: str = "") -> Callable[[Probe], Probe]:
        """Attach a function that returns the rows which are the silent damage; the naive lane must find some."""

        def attach(function: Probe) -> Probe:
            self.probes.append((Stage.parse(at) if at else self.symptom.stage, function))
            return function

        return attach

    def check(self, at: str = "verify") -> Callable[[Preflight], Preflight]:
        """Attach a function that speaks when the cure did not hold; it runs in cured lanes at stage ``at``."""

        def attach(function: Preflight) -> Preflight:
            self.verifications.append((Stage.parse(at), function))
            return function

        return attach

    def instead(self, step: str, lane: Lane) -> Callable[[Instead], Instead]:
        """Attach what runs in place of ``step`` in that lane; returning no tool run skips the step."""

        def attach(function: Instead) -> Instead:
            self.replacements[(lane, step)] = function
            return function

        return attach


class ScenarioFault(UsageFault):
    """A scenario's own function failed: not the lab's doing, and not the cloud's."""


def call(scenario: Scenario, function: Callable[..., Any], *arguments: Any, seconds: float = 0) -> Any:
    """What one of a scenario's functions returns, a generator as a list.

    With ``seconds`` the first argument is the cloud, and a function that takes longer fails. Raises ScenarioFault with
    file and line for whatever the function raises but a Fault: it may be an operator's own code.
    """

    def work() -> Any:
        result = function(*arguments)
        return list(result) if isinstance(result, Iterator) else result

    try:
        return contained(work, seconds, arguments[0].server.end if seconds else None)
    except Fault:
        raise
    except BaseException as fault:
        if not raised_by_it(fault):
            raise
        if isinstance(fault, TookTooLong):
            raise late(scenario, fault, seconds) from fault
        said = str(getattr(fault, "orig", fault))
        raise ScenarioFault(
            f"the scenario {scenario.name} failed at {_place(fault)}: {type(fault).__name__}: {said}",
            hint="fix the scenario, or run without it",
        ) from fault


def late(scenario: Scenario, fault: TookTooLong, seconds: float) -> ScenarioFault:
    """The message for a scenario that was stopped; the seconds show which limit it was."""
    name = "look" if seconds == limits().look else "change"
    where = f" at {fault.place}" if fault.place else ""
    return ScenarioFault(
        f"the scenario {scenario.name} was stopped{where}: {fault}", hint=how_to_raise(name, seconds * 10)
    )


def _place(fault: BaseException) -> str:
    """File and line of the scenario, where a fault passed through one, else of whoever raised it."""
    frames = traceback.extract_tb(fault.__traceback__)
    mine = [frame for frame in frames if Path(frame.filename).name == "scenario.py"] or frames
    return f"{mine[-1].filename}:{mine[-1].lineno}"
