"""What users see of recorded runs, and of each command's help: kept in tests/golden, so that a change is noticed.

Each directory there holds the ``report.json`` of a real run, and what is rendered from it. ``make golden`` renders them
all; ``make golden ARGS="NAME RUN"`` records a run directory under a name, after `osupgrade rehearse` from a directory
with nothing in it (the runs that are there were recorded with the commands in their ``report.json``).
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


def recorded() -> Mapping[str, RunReport]:
    """The recorded runs by name."""
    return {file.parent.name: read_json(file) for file in sorted(GOLDEN.glob("*/report.json"))}


def outputs(reports: Mapping[str, RunReport]) -> Mapping[str, str]:
    """What a user sees, by the path of its file below tests/golden."""
    found = {f"{name}/{file}": text for name, report in reports.items() for file, text in rendered(report).items()}
    return {**found, "help.txt": "\n".join(_help("osupgrade", whole(app)))}


def rendered(report: RunReport) -> Mapping[str, str]:
    """What a user sees of one run, by the name of its file."""
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
    manifest = dataclasses.replace(report.manifest, directory="", host="")
    return dataclasses.replace(report, manifest=manifest)


def main() -> None:
    """Write tests/golden, after recording a run where one is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="what to call the run; default: record none")
    parser.add_argument("run", nargs="?", type=Path, help="its run directory")
    given = parser.parse_args()
    reports = dict(recorded())
    if given.name:
        if given.run is None:
            parser.error("give the run directory after the name")
        reports[given.name] = anonymous(read_json(given.run / "report.json"))
        (GOLDEN / given.name).mkdir(exist_ok=True)
    for name, text in outputs(reports).items():
        (GOLDEN / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
