"""The operator's page for the night: every step in order, its command, its time, how it is seen to have worked, and
the way back. Made from the plan and from what the rehearsal of their own cloud showed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from osupgrade.catalog.render import Markup, render
from osupgrade.model.plan import Plan
from osupgrade.model.quoting import markdown, markdown_block, markdown_code
from osupgrade.model.report import RunReport
from osupgrade.model.text import duration, size
from osupgrade.report.digest import between
from osupgrade.report.runbook.facts import facts
from osupgrade.report.runbook.steps import steps

__all__ = ["runbook", "titles"]

_TEMPLATE = Path(__file__).with_name("runbook.md.j2")


def runbook(report: RunReport, plan: Plan) -> str:
    """The page as Markdown; ``report`` is that of a rehearsal of ``plan``."""
    values = {"page": facts(report, plan), "steps": steps(report, plan)}
    return _spaced(render(_TEMPLATE, values, filters=_FILTERS, quote=_text))


def _text(text: str) -> Markup:
    return Markup(markdown(text))


def _shell(lines: Iterable[str]) -> Markup:
    return Markup("\n".join(markdown_block("\n".join(lines), "sh")))


_FILTERS: Mapping[str, Callable[..., Any]] = {
    "between": between,
    "duration": duration,
    "size": size,
    "code": lambda text: Markup(markdown_code(text)),
    "codes": lambda texts: Markup(", ".join(map(markdown_code, texts))),
    "shell": _shell,
    "ours": Markup,
}


def titles(report: RunReport, plan: Plan) -> tuple[str, ...]:
    """The steps of a runbook in order."""
    return tuple(step.title for step in steps(report, plan))


def _spaced(text: str) -> str:
    """Markdown with one empty line between its parts, whatever the template's conditions left; blocks as they are."""
    lines: list[str] = []
    fence = ""
    for line in text.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
        elif not line.strip() and (not lines or not lines[-1]):
            continue
        lines.append(line if fence or line.strip() else "")
    return "\n".join(lines).rstrip() + "\n"
