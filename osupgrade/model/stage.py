"""Stages: the named points of a route to which anything can be attached."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Moment = Literal["at", "before", "after"]

_STAGE = re.compile(r"(?:(before|after):)?([a-z0-9][a-z0-9_.-]*(?:/[a-z0-9_-]+)?)\Z")


@dataclass(frozen=True, order=True)
class Stage:
    """A named point of a path to which anything can be attached.

    ``seeded``, ``before:havana/nova``, ``after:havana/nova``, ``before:ml2``, ``after:ml2``, ``verify``.
    """

    moment: Moment
    step: str

    @classmethod
    def parse(cls, text: str) -> Stage:
        """Read a stage as a user writes it; raises ValueError with the forms that exist."""
        match = _STAGE.match(text)
        if match is None or (match[1] is None and match[2] not in ("seeded", "verify")):
            raise ValueError(
                f"{text!r} is not a stage; valid stages: seeded, before:RELEASE/SERVICE, after:RELEASE/SERVICE, "
                "before:FINISH, after:FINISH and verify"
            )
        moment: Moment = "before" if match[1] == "before" else "after" if match[1] else "at"
        return cls(moment, match[2])

    @classmethod
    def before(cls, step: str) -> Stage:
        """The stage just before ``step``: a hop such as ``havana/nova``, or a finish such as ``ml2``."""
        return cls("before", step)

    @classmethod
    def after(cls, step: str) -> Stage:
        """The stage just after ``step``."""
        return cls("after", step)

    def __str__(self) -> str:
        return self.step if self.moment == "at" else f"{self.moment}:{self.step}"


SEEDED = Stage("at", "seeded")

VERIFY = Stage("at", "verify")
