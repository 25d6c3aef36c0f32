"""What came of rows that violate a condition, by trial: ``make hunt`` plants them and runs the real tools.

``outcomes.json`` holds the answers with the code that gave them. A condition without one is untried.
"""

from __future__ import annotations

import enum
import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from osupgrade.model.errors import LabFault
from osupgrade.schema.conditions import Condition

FILE = Path(__file__).with_name("outcomes.json")


class Came(enum.StrEnum):
    """How a migration dealt with rows that violate what it asks."""

    STOPS = "stops"
    SILENT = "silent"
    COPES = "copes"


@dataclass(frozen=True)
class Result:
    """What one trial gave. ``left_at`` is the revision at which the database then was, ``error`` the tool's last line.

    ``words`` says of a silent change which rows of the planted table it was.
    """

    came: Came
    error: str = ""
    left_at: str = ""
    words: str = ""
    again: bool = False
    """Whether the tool, run again after the rows were fixed, comes through."""
    code: str = ""
    """The release and its commit or version."""


@functools.cache
def results() -> Mapping[str, Mapping[str, Result]]:
    """Service -> condition's key -> what came of it. Raises LabFault for a file that this osupgrade did not write."""
    if not FILE.is_file():
        return {}
    try:
        data = json.loads(FILE.read_text("utf-8"))
        return {
            service: {key: Result(**{**one, "came": Came(one["came"])}) for key, one in known.items()}
            for service, known in data.items()
        }
    except (ValueError, TypeError, KeyError) as fault:
        raise LabFault(f"{FILE.name} is damaged: {fault}", hint="make hunt") from fault


def result_of(condition: Condition) -> Result | None:
    """What is known of a condition; None for one that is untried."""
    return results().get(condition.service, {}).get(condition.key)


def write(known: Mapping[str, Mapping[str, Result]]) -> None:
    """Keep what was found, sorted, one trial a line."""
    services = []
    for service, found in sorted(known.items()):
        lines = [f"  {json.dumps(key)}: {json.dumps(asdict(found[key]), sort_keys=True)}" for key in sorted(found)]
        services.append(f" {json.dumps(service)}: {{\n" + ",\n".join(lines) + "\n }")
    FILE.write_text("{\n" + ",\n".join(services) + "\n}\n", "utf-8")
    results.cache_clear()
