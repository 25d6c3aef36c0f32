"""The command line. Every fault becomes one sentence, what to do next, and the exit status of design.md."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from osupgrade import __version__
from osupgrade.__main__ import main
from osupgrade.cli import (
    doctor,
    dumps,
    images,
    inspect,
    nightly,
    rehearse,
    reports,
    reproduce,
    routes,
    scenarios,
    snapshots,
    sources,
    survey,
)
from osupgrade.cli.faults import known_fault
from osupgrade.model import interrupt
from osupgrade.model.errors import Exit, Fault, UsageFault
from osupgrade.model.quoting import visible
from osupgrade.report.terminal import shown, terminal

__all__ = ["app", "main", "run"]

app = typer.Typer(
    name="osupgrade",
    help="Rehearse an OpenStack upgrade before doing it: the real migration tools, a real database, your cloud.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"osupgrade {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """The options of the command itself."""


app.command("rehearse")(rehearse.rehearse)
app.command("inspect")(inspect.inspect)
app.command("survey")(survey.survey)
app.command("sanitize")(dumps.sanitize)
app.command("routes")(routes.routes)
app.command("reproduce")(reproduce.reproduce)
app.add_typer(scenarios.app, name="scenarios")
app.add_typer(sources.app, name="sources")
app.add_typer(images.app, name="images")
app.add_typer(snapshots.app, name="snapshots")
app.command("nightly")(nightly.nightly)
app.command("report")(reports.report)
app.command("doctor")(doctor.doctor)
app.command("clean")(doctor.clean)


def run(arguments: list[str]) -> int:
    """Run one command; its exit status. Nothing but SystemExit of argument parsing passes through."""
    return guarded(
        lambda: int(app(args=cure_spelled_out(arguments), prog_name="osupgrade", standalone_mode=False) or 0)
    )


def guarded(work: Callable[[], int]) -> int:
    """Do something that gives an exit status; a fault becomes its sentence, its hint and its status."""
    try:
        with interrupt.at_work():
            status = work()
            # Typer takes KeyboardInterrupt for itself and returns its status.
            return _interrupted() if interrupt.interrupted() else status
    except KeyboardInterrupt:
        return _interrupted()
    except typer.TyperException as fault:
        return _told(UsageFault(fault.format_message(), hint="osupgrade --help"))
    except Exception as fault:
        if interrupt.interrupted():  # what was removed under somebody's hands
            return _interrupted()
        known = known_fault(fault)
        return _told(known) if known else _our_own(fault)


def _errors() -> Console:
    return terminal(stderr=True)


def _interrupted() -> int:
    _errors().print("osupgrade: interrupted; everything that was started has been removed")
    return int(Exit.INTERRUPTED)


def _told(fault: Fault) -> int:
    errors = _errors()
    errors.print(Text.assemble(("osupgrade: ", "red"), visible(fault.message)), soft_wrap=True)
    if fault.evidence:
        errors.print(shown(fault.evidence.rstrip(), "dim"), soft_wrap=True)
    if fault.hint:
        errors.print(Text.assemble(("next: ", "bold"), visible(fault.hint)), soft_wrap=True)
    return int(fault.status)


def _our_own(fault: Exception) -> int:
    errors = _errors()
    message = visible(f"{type(fault).__name__}: {fault}")
    errors.print(Text.assemble(("osupgrade: a fault of the lab itself: ", "red"), message), soft_wrap=True)
    try:
        with tempfile.NamedTemporaryFile("w", prefix="osupgrade-fault-", suffix=".txt", delete=False) as file:
            file.write("".join(traceback.format_exception(fault)))
        errors.print(shown(f"the traceback is in {file.name}"), soft_wrap=True)
    except OSError:
        errors.print(shown("".join(traceback.format_exception(fault))), soft_wrap=True)
    return int(Exit.LAB_FAULT)


def cure_spelled_out(arguments: list[str]) -> list[str]:
    """The arguments with a bare ``--cure`` written as ``--cure=all``; Typer knows no value that may be left out."""
    followers = [*arguments, "-"][1:]
    return [
        "--cure=all" if word == "--cure" and follower.startswith("-") else word
        for word, follower in zip(arguments, followers, strict=True)
    ]
