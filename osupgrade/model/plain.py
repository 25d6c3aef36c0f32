"""Values of the model as JSON has them."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from osupgrade.model.report import LaneResult, RunReport, ScenarioReport
from osupgrade.model.stage import Stage

RENAMED: Mapping[tuple[type, str], str] = {(RunReport, "kept"): "database"}

LEFT_OUT_WHEN_NONE: frozenset[tuple[type, str]] = frozenset({(RunReport, "kept")})

DERIVED: Mapping[type, tuple[str, ...]] = {LaneResult: ("came_through",), ScenarioReport: ("passed",)}


def plain(value: Any) -> Any:
    """A value of the report's dataclasses as JSON has it: stages and enums as strings, mappings sorted."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, Stage):
            return str(value)
        kind = type(value)
        data = {
            RENAMED.get((kind, field.name), field.name): plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not ((kind, field.name) in LEFT_OUT_WHEN_NONE and getattr(value, field.name) is None)
        }
        return data | {name: getattr(value, name) for name in DERIVED.get(kind, ())}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (frozenset, set)):
        return sorted(plain(item) for item in value)
    if isinstance(value, float):
        return round(value, 3)
    return value
