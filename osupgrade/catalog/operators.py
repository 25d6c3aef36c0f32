"""Reading ``images/<release>/operator.toml``: what operators of a release type, for the runbook."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from osupgrade.catalog.loading import Strict, load_toml
from osupgrade.model.release import FinishOperator, Operator


class _Finish(Strict):
    before: str = ""
    starting: str = ""


class _Operator(Strict):
    control: str = ""
    units: dict[str, list[str]] = Field(default_factory=dict)
    programs: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    finishes: dict[str, _Finish] = Field(default_factory=dict)
    new_server: str = ""


def load_operator(file: Path, earlier: Operator) -> Operator:
    """One release's file, which says what differs from the ``earlier`` one; raises UsageFault for an invalid file."""
    read = load_toml(file, _Operator)
    finishes = {name: FinishOperator(each.before, each.starting) for name, each in read.finishes.items()}
    return Operator(
        control=read.control or earlier.control,
        units={**earlier.units, **{service: tuple(units) for service, units in read.units.items()}},
        programs={**earlier.programs, **read.programs},
        files={**earlier.files, **read.files},
        new_server=read.new_server or earlier.new_server,
        finishes={**earlier.finishes, **finishes},
    )
