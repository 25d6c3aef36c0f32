"""``osupgrade reproduce``: pack a failing run, replay it elsewhere, or shrink it to the few rows that it takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from osupgrade.cli.options import MoreScenarios, Quiet
from osupgrade.cloud.laboratory import Laboratory, Say
from osupgrade.dump.policy import load_policy
from osupgrade.dump.sanitize import read_key
from osupgrade.dump.write import check_output, unless_it_fails
from osupgrade.history.rundir import find_run
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.failure import Failure
from osupgrade.model.quoting import shell_word
from osupgrade.rehearsal.prepare import all_scenarios
from osupgrade.report.terminal.console import terminal
from osupgrade.reproduce.opening import opened_archive, opened_run
from osupgrade.reproduce.packing import pack_subject
from osupgrade.reproduce.replaying import replay_archive
from osupgrade.reproduce.rerun import (
    NotAgain,
    read_failed,
)
from osupgrade.reproduce.scenario_writer import check_directory
from osupgrade.reproduce.shrinking import shrink_subject
from osupgrade.reproduce.subject import Masking, Subject
from osupgrade.scenarios.loading import ScenarioSet


def reproduce(
    what: Annotated[str, typer.Argument(help="Failed run (directory, or name below runs/), or an archive.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Archive to write, or scenario directory with --shrink.")
    ] = None,
    shrink: Annotated[
        bool, typer.Option("--shrink", help="Remove everything that is not needed to reproduce the error.")
    ] = False,
    step: Annotated[str, typer.Option("--step", help="Failed step to reproduce, if several failed.")] = "",
    dump: Annotated[
        list[Path] | None, typer.Option("--dump", help="Current location of the run's dump, if it was moved.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="File with the masking key (default: a random key that is not kept)."),
    ] = None,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="Mask nothing; for internal use only.")] = False,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="Time limit for shrinking, in minutes.")] = 10.0,
    runs: Annotated[Path, typer.Option("--runs", help="Directory that holds the runs.")] = Path("runs"),
    more: MoreScenarios = None,
    quiet: Quiet = False,
) -> int:
    """Pack a failing run into an archive that fails in the same way on another machine, or run such an archive.

    With `--shrink`, leave out databases, tables and rows as long as the error stays the same, and write what is left as
    a scenario. The output is masked, and has been shown to fail.

    Examples: `osupgrade reproduce runs/latest -o failing.tar.gz`, `osupgrade reproduce failing.tar.gz`,
    `osupgrade reproduce runs/latest --shrink -o mine/our-trap`
    """
    console = terminal()

    def say(text: str) -> None:
        if not quiet:
            console.print(text, soft_wrap=True)

    if key_file and unmasked:
        raise UsageFault("--unmasked and --key-file cannot be combined: nothing is masked")
    masking = None if unmasked else Masking(read_key(key_file), load_policy()) if key_file else Masking.random()
    found = all_scenarios(more or ())
    if Path(what).is_file():
        if not shrink:
            if out or dump or step or key_file or unmasked:
                raise UsageFault("-o, --dump, --step and masking options are for packing, not for replaying")
            return replay_archive(Path(what), found, runs, console, say)
        with opened_archive(Path(what), found, say) as (laboratory, subject):
            return _shrink(laboratory, subject, out, masking if not unmasked else None, minutes, found, console, say)
    run = read_failed(find_run(what, runs), step)
    target = out or (Path("shrunk") / _name(run.failure) if shrink else Path(f"{run.name}.tar.gz"))
    check_directory(target) if shrink else check_output(target)
    with unless_it_fails() as written, opened_run(run, dump or (), say) as (laboratory, subject):
        if shrink:
            return _shrink(laboratory, subject, target, masking, minutes, found, console, say)
        packed = pack_subject(laboratory, subject, target, masking, say)
        written.append(target)
        console.print(f"{packed}", soft_wrap=True)
    _written(target, masking, console)
    return Exit.CAME_THROUGH


def _written(target: Path, masking: Masking | None, console: Console) -> None:
    hidden = "masked" if masking else "NOT masked"
    console.print(
        f"wrote {target} ({target.stat().st_size / 1e6:.1f} MB, {hidden}); "
        f"try it: osupgrade reproduce {shell_word(str(target))}",
        soft_wrap=True,
    )


def _name(failure: Failure) -> str:
    version = "-".join(v for versions in failure.left_at.values() for v in versions) or "nothing"
    return re.sub(r"[^a-z0-9]+", "-", f"{failure.step.replace('/', '-')}-stops-at-{version}".lower()).strip("-")


def _shrink(
    laboratory: Laboratory,
    subject: Subject,
    out: Path | None,
    masking: Masking | None,
    minutes: float,
    found: ScenarioSet,
    console: Console,
    say: Say,
) -> int:
    if subject.instead:
        raise UsageFault(
            f"the scenario {subject.instead_of} did {subject.step.name} in place of the release's own tool: there is "
            "nothing to shrink",
            hint=f"osupgrade scenarios run {subject.instead_of}",
        )
    directory = out or Path("shrunk") / _name(subject.failure)
    check_directory(directory)
    done = shrink_subject(laboratory, subject, directory, masking, minutes, tuple(found.scenarios.values()), say)
    console.print(f"{done.failure}", soft_wrap=True)
    short = "" if done.shrunk.complete else "; the time limit was reached, so fewer may be enough (--minutes)"
    console.print(
        f"{done.rows_before} rows became {done.left.contents}, after {done.shrunk.trials} trials and "
        f"{done.seconds:.0f} s{short}",
        soft_wrap=True,
    )
    command = f"osupgrade scenarios run {directory.name} --scenarios {directory.parent} --lane naive"
    if done.problems:
        raise NotAgain(
            f"wrote {directory}, but its naive lane does not fail as expected: {done.problems[0]}",
            hint=command,
            evidence="\n".join(done.problems),
        )
    console.print(f"wrote {directory}; its naive lane fails as expected: {command}", soft_wrap=True)
    return Exit.CAME_THROUGH
