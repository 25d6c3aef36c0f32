"""The operator's own commands: what a release's packages call the tools that the lab starts from their source. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from osupgrade.catalog.render import render_text
from osupgrade.model.quoting import shell_join, shell_word
from osupgrade.model.release import Command, Operator, Release, ServiceRelease
from osupgrade.report.runbook.facts import url_of

_URL = re.compile(r"\0(\w+)\0")


class _Urls(Mapping[str, str]):
    """A database's URL is unknown here. It becomes a shell variable, marked by what no file of settings may hold."""

    def __getitem__(self, name: str) -> str:
        return f"\0{url_of(name)}\0"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def command_line(release: Release, part: ServiceRelease, command: Command, site: Mapping[str, Any]) -> str:
    """One call of a service's tool as it is typed on a controller."""
    context = {"etc": f"/etc/{part.service}", "site": site, "db": _Urls()}
    arguments = [text for template in command.args if (text := render_text(template, context))]
    files = release.operator.files
    named = [render_text(files[text], {"site": site}) if text in files else text for text in arguments]
    words = [*_program(release.operator, part.service, command), *named]
    if command.entry.startswith("-m "):
        return " ".join(f'"${url[1]}"' if (url := _URL.fullmatch(word)) else shell_word(word) for word in words)
    return f"su -s /bin/sh {part.service} -c {shell_word(shell_join(words))}"


def control(release: Release, services: tuple[str, ...], verb: str) -> str:
    """A loop that starts or stops everything of a release that writes to the databases."""
    # One server may run several services.
    units = " ".join(dict.fromkeys(unit for service in services for unit in release.operator.units_of(service)))
    return f"for s in {units}; do {release.operator.control.format(verb=verb, unit='$s')}; done"


def _program(operator: Operator, service: str, command: Command) -> list[str]:
    """What the operator's packages call the program that the lab starts from its source tree."""
    if command.entry.startswith("-m "):
        module = command.entry.split()[1]
        if command.gettext:
            code = (
                f'import gettext, runpy; gettext.install("{command.gettext}", unicode=True); '
                f'runpy.run_module("{module}", run_name="__main__", alter_sys=True)'
            )
            return ["python", "-c", code]
        return ["python", "-m", module]
    if ":" not in command.entry:
        return [command.entry.rsplit("/", 1)[-1]]
    module = command.entry.split(":")[0]
    return [operator.programs.get(module, f"{service}-{module.rsplit('.', 1)[-1]}")]
