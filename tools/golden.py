"""What users see of one recorded run, and of each command's help: kept in tests/golden, so that a change is noticed.

``make golden`` renders the recorded ``report.json`` again; ``make golden ARGS=RUN`` records another run.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from osupgrade.catalog.content import root
from osupgrade.cli import app
from osupgrade.cli.lazy import whole
from osupgrade.cli.options import plan_from
from osupgrade.model.errors import UsageFault
from osupgrade.model.report import RunReport
from osupgrade.report.json import read_json, to_text
from osupgrade.report.junit import write_junit
from osupgrade.report.markdown import markdown
from osupgrade.report.runbook import runbook

GOLDEN = root() / "tests" / "golden"


def outputs(report: RunReport) -> Mapping[str, str]:
    """What a user sees, by the name of its file."""
    if report.result is None:
        raise UsageFault("the recorded run is no rehearsal", hint="osupgrade rehearse --out DIR")
    with tempfile.TemporaryDirectory() as place:
        write_junit(report, Path(place) / "junit.xml")
        junit = (Path(place) / "junit.xml").read_text("utf-8")
    return {
        "report.json": to_text(report),
        "junit.xml": junit,
        "summary.md": markdown(report),
        "runbook.md": runbook(report, plan_from(report.result.path, ",".join(report.result.services))),
        "help.txt": "\n".join(_help("osupgrade", whole(app))),
    }


def _help(name: str, command: Any) -> Iterator[str]:
    """What ``--help`` says, without its layout, which is another library's and changes with its version."""
    yield f"{name}\n  {' '.join((command.help or '').split())}"
    for parameter in command.params:
        names = " ".join([*parameter.opts, *parameter.secondary_opts])
        if names in ("--install-completion", "--show-completion"):  # Typer's own, in words that depend on the shell
            continue
        yield f"    {names}: {' '.join((getattr(parameter, 'help', None) or '').split())}"
    yield ""
    for below, one in getattr(command, "commands", {}).items():
        yield from _help(f"{name} {below}", one)


def anonymous(report: RunReport) -> RunReport:
    """The report without what it says about the machine on which it was recorded."""
    manifest = dataclasses.replace(report.manifest, directory="", host="", command="osupgrade rehearse")
    return dataclasses.replace(report, manifest=manifest)


def main() -> None:
    """Write tests/golden, from the recorded run or another one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", type=Path, help="a run directory to record; default: keep the recorded one")
    run = parser.parse_args().run
    report = anonymous(read_json((run or GOLDEN) / "report.json"))
    for name, text in outputs(report).items():
        (GOLDEN / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
