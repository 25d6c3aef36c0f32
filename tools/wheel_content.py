"""The build hook that puts ``images/`` and ``scenarios/`` into a wheel; see pyproject.toml."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CONTENT = ("images", "scenarios")


class WheelContent(BuildHookInterface):  # type: ignore[misc]
    """Adds the content to a wheel that is installed as a copy."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it builds; ``version`` is ``editable`` or ``standard``."""
        if version == "standard":
            build_data["force_include"].update({name: f"osupgrade/_content/{name}" for name in CONTENT})
