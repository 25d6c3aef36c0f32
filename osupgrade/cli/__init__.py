"""The command line. Every fault becomes one sentence, what to do next, and the exit status of design.md."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar

import typer
from rich.console import Console
from rich.text import Text

from osupgrade import __version__
from osupgrade.cli.lazy import Entry, LazyGroup
from osupgrade.model import interrupt
from osupgrade.model.errors import Exit, Fault, UsageFault
from osupgrade.model.quoting import visible
from osupgrade.report.terminal.console import shown, terminal

__all__ = ["app", "run"]


class Commands(LazyGroup):
    """The commands in the order in which their help shows them; each is declared in a module of its own."""

    entries: ClassVar[Mapping[str, Entry]] = {
        "rehearse": Entry(
            "osupgrade.cli.rehearse",
            "rehearse",
            "Upgrade a copy of a cloud with the real tools, release by release, and judge the result.",
        ),
        "inspect": Entry(
            "osupgrade.cli.inspect",
            "inspect",
            "Show what a dump or a live server contains, its local changes, and what the upgrade will do.",
        ),
        "survey": Entry(
            "osupgrade.cli.survey",
            "survey",
            "Print a query that shows how a database server is configured, or run it with --url.",
        ),
        "sanitize": Entry(
            "osupgrade.cli.dumps",
            "sanitize",
            "Mask the private data in a dump, so that it can leave the site and still upgrades as before.",
        ),
        "routes": Entry(
            "osupgrade.cli.routes",
            "routes",
            "Show the routes between two releases: where each service stops and why, and how long that took before.",
        ),
        "reproduce": Entry(
            "osupgrade.cli.reproduce",
            "reproduce",
            "Pack a failing run into an archive that fails in the same way on another machine, or run such an archive.",
        ),
        "nightly": Entry(
            "osupgrade.cli.nightly",
            "nightly",
            "Run every scenario on every path and database, and complete rehearsals as well.",
        ),
        "report": Entry(
            "osupgrade.cli.reports", "report", "Show the verdict of a finished run, and where its files are."
        ),
        "doctor": Entry(
            "osupgrade.cli.doctor",
            "doctor",
            "Check what the lab needs on this machine. Exits 3 when something is missing, and says how to get it.",
        ),
        "clean": Entry(
            "osupgrade.cli.doctor",
            "clean",
            "Remove what interrupted runs, or runs with --keep, left on the engine. Active runs are not touched.",
        ),
        "scenarios": Entry(
            "osupgrade.cli.scenarios", "app", "The traps: list them, read them, run them, write your own."
        ),
        "sources": Entry("osupgrade.cli.sources", "app", "The services' pinned code: fetch it, import it, check it."),
        "images": Entry(
            "osupgrade.cli.images", "app", "The lab's images: build them, list them, carry them elsewhere."
        ),
        "snapshots": Entry(
            "osupgrade.cli.snapshots",
            "app",
            "Restored dumps that are kept, so that the next run starts in seconds.",
        ),
    }


app = typer.Typer(
    name="osupgrade",
    cls=Commands,
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
        context = getattr(fault, "ctx", None)
        named = context.command_path if context is not None else "osupgrade"
        # A group of commands without one of them has its help on the screen by now, and no message.
        message = fault.format_message()
        return _reported(UsageFault(message, hint=f"{named} --help")) if message else int(Exit.USAGE)
    except Exception as fault:
        if interrupt.interrupted():  # what was removed under somebody's hands
            return _interrupted()
        from osupgrade.cli.faults import known_fault  # with the libraries whose faults it knows

        known = known_fault(fault)
        return _reported(known) if known else _our_own(fault)


def _errors() -> Console:
    return terminal(stderr=True)


def _interrupted() -> int:
    _errors().print("osupgrade: interrupted; everything that was started has been removed")
    return int(Exit.INTERRUPTED)


def _reported(fault: Fault) -> int:
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
