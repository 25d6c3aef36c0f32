"""Finding the scenarios of some directories. A broken one is named with its line and does not take the others down."""

from __future__ import annotations

import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osupgrade.model.errors import UsageFault
from osupgrade.model.finding import Finding, Severity
from osupgrade.model.foreign import IMPORT_SECONDS, contained, raised_by_it
from osupgrade.model.plan import Plan
from osupgrade.scenarios.contract import Scenario, Silent
from osupgrade.scenarios.declared import declared
from osupgrade.scenarios.former import PUBLIC, code_of, hops_of


@dataclass(frozen=True)
class BrokenScenario:
    """A scenario directory that cannot be used, with the file, the line and the reason."""

    name: str
    file: Path
    line: int
    reason: str

    @property
    def finding(self) -> Finding:
        """What to report about it where all scenarios are loaded."""
        return Finding(
            source=self.name,
            severity=Severity.WARNING,
            service="",
            place=f"{self.file}:{self.line}",
            message=f"the scenario {self.name} cannot be loaded: {self.reason}",
            consequence="what it looks for may exist nevertheless",
        )


@dataclass(frozen=True)
class ScenarioSet:
    """The scenarios found in some directories; broken ones are reported and do not affect the others."""

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
    """Load every ``NAME/scenario.toml`` and ``NAME/scenario.py`` below ``directories``, sorted by name.

    Of two scenarios of one name the one in the later directory wins.
    """
    found: dict[str, Scenario] = {}
    broken: dict[str, BrokenScenario] = {}
    for directory in directories:
        if not directory.is_dir():
            raise UsageFault(f"there is no directory of scenarios at {directory}")
        # Whole paths, as tracebacks have them: by these a fault's line is found.
        for place in sorted({file.parent for file in directory.resolve().glob("*/scenario.*")}):
            if not (place / "scenario.py").is_file() and not (place / "scenario.toml").is_file():
                continue
            loaded = _load(place)
            found.pop(place.name, None)
            broken.pop(place.name, None)
            if isinstance(loaded, BrokenScenario):
                broken[loaded.name] = loaded
            else:
                found[loaded.name] = loaded
    return ScenarioSet(dict(sorted(found.items())), tuple(broken.values()))


def _load(directory: Path) -> Scenario | BrokenScenario:
    name = directory.name
    file = directory / "scenario.py"
    try:
        if file.is_file():
            scenario, path = contained(lambda: _module(file), IMPORT_SECONDS)
            if path is not None and isinstance(scenario, Scenario) and not scenario.hops:
                scenario.hops = hops_of(scenario, path)
        else:
            file = directory / "scenario.toml"
            scenario = declared(file)
    except BaseException as fault:  # an operator's own file may raise anything
        if not raised_by_it(fault):
            raise
        if isinstance(fault, UsageFault) and (declaration := directory / "scenario.toml").is_file():
            return BrokenScenario(name, declaration, _line_in(declaration, fault), _without(declaration, fault))
        return BrokenScenario(name, file, _line_of(fault, file), f"{type(fault).__name__}: {fault}{_instead(fault)}")
    if not isinstance(scenario, Scenario):
        return BrokenScenario(name, file, 1, "it defines no `scenario = Scenario(...)`")
    if lacking := tuple(_lacking(scenario)):
        return BrokenScenario(name, file, 1, "; ".join(lacking))
    scenario.name = name
    scenario.directory = directory
    return scenario


def _lacking(scenario: Scenario) -> Iterator[str]:
    """What a scenario must have and does not, all of it at once."""
    if not scenario.preflights:
        yield "it has no preflight, @scenario.preflight or [[find]], so this trap cannot be found beforehand"
    if not scenario.hops:
        yield "its symptom shows at no step: name the hops where it fails, hops=(...)"
    if isinstance(scenario.symptom, Silent) and not scenario.probes:
        yield "its symptom is silent, but nothing shows the damage: @scenario.probe or [check]"


def _instead(fault: BaseException) -> str:
    """What to write where a scenario imports a module of the package: those move, and one alone is public."""
    if isinstance(fault, ImportError) and (fault.name or "").partition(".")[0] == "osupgrade":
        return (
            "; of osupgrade a scenario imports osupgrade.scenarios alone: `from osupgrade.scenarios import Cloud, "
            "Finding, Scenario`, and `service(NAME, MODULE)` of it for what a service brings (docs/writing-a-trap.md)"
        )
    return ""


def _module(file: Path) -> tuple[Any, str | None]:
    """What a scenario.py calls ``scenario``, None where it has no such name; and the path that a former one names.

    Not imported as Python imports: that would leave its bytecode in a directory which is the operator's.
    """
    module_name = "osupgrade_scenario_" + file.parent.name.replace("-", "_")
    spec = importlib.util.spec_from_file_location(module_name, file)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    code, path = code_of(file, file.read_bytes(), tuple(importlib.import_module(PUBLIC).__all__))
    exec(code, module.__dict__)
    return getattr(module, "scenario", None), path


def _without(file: Path, fault: UsageFault) -> str:
    """What a fault says of a file, without the file's name, and its hint."""
    said = fault.message.removeprefix(f"{file}: ")
    return f"{said}; {fault.hint}" if fault.hint else said


def _line_in(file: Path, fault: UsageFault) -> int:
    """The line of a declaration that a fault is about: the parser says it, or the key's first use is it."""
    said = _without(file, fault)
    if at := re.search(r"at line (\d+)", said):
        return int(at[1])
    key = re.split(r"[.\[]", said.partition(":")[0].rpartition(".")[2])[0].strip()
    lines = file.read_text("utf-8", "replace").splitlines() if key else []
    return next((n for n, line in enumerate(lines, 1) if re.match(rf"\s*\[*{re.escape(key)}\b", line)), 1)


def _line_of(fault: BaseException, file: Path) -> int:
    if isinstance(fault, SyntaxError) and fault.lineno:
        return fault.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(fault.__traceback__) if frame.filename == str(file)]
    return (lines[-1] if lines else None) or 1
