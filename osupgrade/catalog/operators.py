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
    control: str
    units: dict[str, list[str]]
    programs: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    finishes: dict[str, _Finish] = Field(default_factory=dict)
    new_server: str = ""


def load_operator(file: Path) -> Operator:
    """One release's file; raises UsageFault for one that is not valid."""
    read = load_toml(file, _Operator)
    return Operator(
        control=read.control,
        units={service: tuple(units) for service, units in read.units.items()},
        programs=read.programs,
        files=read.files,
        new_server=read.new_server,
        finishes={name: FinishOperator(each.before, each.starting) for name, each in read.finishes.items()},
    )
