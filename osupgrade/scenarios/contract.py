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

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Evidence, Finding
from osupgrade.model.plan import Plan
from osupgrade.model.stage import SEEDED, VERIFY, Stage

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
class Silent:
    """The symptom is silent: every tool exits 0, and the scenario's ``@probe`` finds the damage at this stage.

    ``breaks`` names the invariants that go red with it; no other may. ``shows`` are regular expressions: what the last
    release's running services say of such a cloud when their APIs are asked, each of them and nothing else.
    """

    at: str
    breaks: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()

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
"""Mends; gives back the cloud as it stands from then on where the cure is a change of the site."""


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
    """Database images on which the symptom does not show, each with the reason. It is not run there, and that is told;
    its preflight and its cure work there all the same."""
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
        return {*self.hops, *replaced, *attached} <= set(plan.steps)

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
        """Attach what mends the findings whose cure belongs to stage ``at``, in place of their own statements."""

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


@dataclass(frozen=True)
class BrokenScenario:
    """A scenario directory that cannot be used, with the file, the line and the reason."""

    name: str
    file: Path
    line: int
    reason: str


@dataclass(frozen=True)
class ScenarioSet:
    """The scenarios found in some directories; broken ones are told and do not take the others down."""

    scenarios: Mapping[str, Scenario]
    broken: tuple[BrokenScenario, ...]

    def chosen(self, names: Sequence[str]) -> tuple[Scenario, ...]:
        """The named scenarios in the order given; raises UsageFault for a name that is unknown or broken."""
        for name in names:
            for broken in self.broken:
                if broken.name == name:
                    raise UsageFault(f"scenario {name} is broken: {broken.file}:{broken.line}: {broken.reason}")
            if name not in self.scenarios:
                known = ", ".join(sorted(self.scenarios)) or "none"
                raise UsageFault(f"unknown scenario {name!r}; there are: {known}", hint="osupgrade scenarios list")
        return tuple(self.scenarios[name] for name in names)

    def applying(self, plan: Plan) -> tuple[Scenario, ...]:
        """Those that a cloud can meet on this route."""
        return tuple(scenario for scenario in self.scenarios.values() if scenario.applies(plan))


def load_scenarios(directories: Iterable[Path]) -> ScenarioSet:
    """Load every ``NAME/scenario.py`` below ``directories``, sorted by name; a later directory wins."""
    found: dict[str, Scenario] = {}
    broken: dict[str, BrokenScenario] = {}
    for directory in directories:
        if not directory.is_dir():
            raise UsageFault(f"there is no directory of scenarios at {directory}")
        # Whole paths, as tracebacks have them: by these a fault's line is found.
        for file in sorted(directory.resolve().glob("*/scenario.py")):
            loaded = _load(file)
            found.pop(file.parent.name, None)
            broken.pop(file.parent.name, None)
            if isinstance(loaded, BrokenScenario):
                broken[loaded.name] = loaded
            else:
                found[loaded.name] = loaded
    return ScenarioSet(dict(sorted(found.items())), tuple(broken.values()))


def _load(file: Path) -> Scenario | BrokenScenario:
    name = file.parent.name
    module_name = "osupgrade_scenario_" + name.replace("-", "_")
    try:
        spec = importlib.util.spec_from_file_location(module_name, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
    except Exception as fault:  # an operator's own file may raise anything
        return BrokenScenario(name, file, _line_of(fault, file), f"{type(fault).__name__}: {fault}")
    scenario = getattr(module, "scenario", None)
    if not isinstance(scenario, Scenario):
        return BrokenScenario(name, file, 1, "it defines no `scenario = Scenario(...)`")
    if not scenario.preflights:
        return BrokenScenario(name, file, 1, "it has no @scenario.preflight, so nobody could find this trap beforehand")
    if not scenario.hops:
        return BrokenScenario(name, file, 1, "its symptom shows at no step: name the hops where it bites, hops=(...)")
    if isinstance(scenario.symptom, Silent) and not scenario.probes:
        return BrokenScenario(name, file, 1, "its symptom is silent, but no @scenario.probe shows the damage")
    scenario.name = name
    scenario.directory = file.parent
    return scenario


def _line_of(fault: Exception, file: Path) -> int:
    if isinstance(fault, SyntaxError) and fault.lineno:
        return fault.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(fault.__traceback__) if frame.filename == str(file)]
    return (lines[-1] if lines else None) or 1


__all__ = [
    "SEEDED",
    "VERIFY",
    "Blocks",
    "BrokenScenario",
    "RestoreFails",
    "Scenario",
    "ScenarioSet",
    "Silent",
    "load_scenarios",
]
