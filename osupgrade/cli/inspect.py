"""``osupgrade inspect``: what a cloud is before any hop: its true revisions, what is its own, what will go wrong."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from osupgrade.catalog.releases import load_paths
from osupgrade.catalog.site import Site
from osupgrade.catalog.survey import Survey, read_survey
from osupgrade.cli.options import (
    DEFAULT_PATH,
    Json,
    MoreScenarios,
    PathOfDump,
    Quiet,
    SiteFile,
    plan_from,
    site_from_option,
)
from osupgrade.cli.progress import progress_shown, reading
from osupgrade.dump.holdings import holdings
from osupgrade.dump.sanitize import OnProgress
from osupgrade.dump.start import Versions, begins, ended, fits, onward, route_onward, touches, versions_of
from osupgrade.lab.directories import made
from osupgrade.model.errors import Exit, UsageFault
from osupgrade.model.finding import Finding
from osupgrade.model.plain import plain
from osupgrade.model.plan import Plan, between
from osupgrade.model.quoting import shell_join, shell_word
from osupgrade.rehearsal.inspect.judge import inspect_cloud
from osupgrade.rehearsal.inspect.model import Inspection
from osupgrade.rehearsal.inspect.open import Usable, opened_dumps, opened_url, usable_dumps
from osupgrade.rehearsal.inspect.packages import inspect_packages
from osupgrade.rehearsal.prepare import all_scenarios, path_of
from osupgrade.report.inspection import show
from osupgrade.report.terminal.console import terminal
from osupgrade.scenarios.contract import Scenario
from osupgrade.schema.catalogue import covers

_REHEARSE = "osupgrade rehearse"
_ROUTES = "osupgrade routes"
_DUMP = "cloud.sql"


@dataclass(frozen=True)
class _Next:
    """The next command, and whether it rehearses the path on which the cloud was inspected."""

    command: str
    on_this_path: bool


def inspect(
    dumps: Annotated[
        list[Path] | None, typer.Argument(help="Dumps, directories of dumps, or - for standard input.")
    ] = None,
    url: Annotated[
        str, typer.Option("--url", help="Inspect a live server instead (read-only): mysql://USER:PASSWORD@HOST/.")
    ] = "",
    packages: Annotated[
        Path | None,
        typer.Option(
            "--packages", help="Installed packages of a controller: output of `pip freeze`, `dpkg -l` or `rpm -qa`."
        ),
    ] = None,
    path: PathOfDump = "",
    site: SiteFile = None,
    more: MoreScenarios = None,
    survey: Annotated[
        Path | None,
        typer.Option("--survey", help="Settings of your database server, collected by `osupgrade survey`."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Directory for inspection.json.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show what a dump or a live server contains, its local changes, and what the upgrade will do.

    Exits 0 when there is nothing to do, 1 when there are findings. A dump of the schema alone is enough for most of it.
    With --packages, list the packages of a controller that must be updated by hand.

    Examples: `osupgrade inspect quantum.sql nova.sql.gz`, `osupgrade inspect --url mysql://reader:secret@db1/`,
    `osupgrade inspect --packages dpkg-l.txt`
    """
    _check(dumps, url, packages, survey)
    progress = terminal(stderr=True, quiet=quiet)
    plan_from(path or DEFAULT_PATH)  # an unknown path is refused before anything is read
    the_survey = read_survey(survey) if survey else None
    the_site = site_from_option(site)
    scenarios = all_scenarios(more or ())
    with _made(out), progress_shown(progress) as on_progress:
        usable = usable_dumps(dumps, reading(on_progress)) if dumps else None
        versions = versions_of(holdings(usable.dumps)) if usable else {}
        seen = Inspection((), (), ())
        if usable or url:
            known = tuple(scenarios.scenarios.values())
            path, seen, versions = _looked_at(usable, url, versions, path, the_site, known, on_progress, the_survey)
        say = _without_share(on_progress)
        of_packages = inspect_packages(packages, plan_from(path or DEFAULT_PATH), say) if packages else ()
    onward_to = _next(dumps or (), usable, url, path, seen, versions, _written(_options(site, survey, more or ())))
    found = (*seen.findings, *(broken.finding for broken in scenarios.broken), *of_packages)
    page = replace(seen, findings=tuple(_with_dumps(one, onward_to) for one in found))
    text = json.dumps({"clean": page.clean, **plain(page)}, indent=2)
    if out:
        (out / "inspection.json").write_text(text + "\n", "utf-8")
    if as_json:
        typer.echo(text)
    else:
        show(page, plan_from(path or DEFAULT_PATH).last.name, onward_to.command, terminal())
    return Exit.CAME_THROUGH if page.clean else Exit.DID_NOT


def _check(dumps: list[Path] | None, url: str, packages: object, survey: Path | None) -> None:
    """Raises UsageFault for options that do not go together."""
    if bool(dumps) == bool(url) and (dumps or not packages):
        raise UsageFault("give either dumps or --url, or --packages", hint="osupgrade inspect --help")
    if survey and not dumps:
        raise UsageFault("--survey is for dumps: with --url the settings are read from the server")


def _looked_at(
    usable: Usable | None,
    url: str,
    versions: Versions,
    path: str,
    site: Site,
    known: Sequence[Scenario],
    on_progress: OnProgress,
    survey: Survey | None,
) -> tuple[str, Inspection, Versions]:
    """The path of the dumps or of the live server, unless one was given, what is to be said of them, their versions.

    ``versions`` are those of the dumps; a live server's are known when it is open.
    """
    say = _without_share(on_progress)
    plan = plan_from(path or (_path_of(versions) if usable else DEFAULT_PATH))
    with (
        opened_dumps(usable, plan, say, lambda at: on_progress("restoring", str(at), at.share), survey)
        if usable
        else opened_url(url) as opened
    ):
        say("identifying the databases")
        versions = versions if usable else opened.claims()
        path = path or _path_of(opened.places(versions))
        plan = plan_from(path)
        return path, inspect_cloud(opened, plan, site, [s for s in known if s.applies(plan)]), versions


def _path_of(versions: Versions) -> str:
    """The path that databases are on: a named one, what is left of it, or else their route onward.

    On a path that begins elsewhere, every database of a sound cloud would look too old, or too new.
    """
    path = path_of(versions)
    releases = plan_from(path).releases
    ends = route_onward(versions)
    start = begins(versions, releases)
    if not start and fits(versions, releases) and not ended(versions, releases):
        start = next((release.name for release in releases[:-1] if release.name in ends[:1]), "")
    if start:
        return path if start == releases[0].name else between(start, releases[-1].name)
    known = all(covers(service, *ends[1:]) for service in versions) or not touches(versions, releases)
    return between(*ends) if ends and known else path


@contextlib.contextmanager
def _made(out: Path | None) -> Iterator[None]:
    """Create the output directory before the work starts; remove it again if the work fails."""
    new = out is not None and not out.exists()
    if out:
        made(out, "--out")
    try:
        yield
    except BaseException:
        if out and new:
            with contextlib.suppress(OSError):  # somebody else may have put something there
                out.rmdir()
        raise


def _without_share(on_progress: OnProgress) -> Callable[[str], None]:
    return lambda text: on_progress(text, "")


def _options(site: Path | None, survey: Path | None, more: Sequence[Path]) -> Sequence[tuple[str, Path]]:
    """The options with which a rehearsal sees the same cloud, whatever its route."""
    named = (("--site", site), ("--survey", survey), *(("--scenarios", directory) for directory in more))
    return tuple((option, value) for option, value in named if value)


def _written(options: Iterable[tuple[str, object]]) -> str:
    """Options as they are typed, each after a blank."""
    return "".join(f" {option} {shell_word(str(value))}" for option, value in options)


def _route_options(path: str) -> Sequence[tuple[str, str]]:
    """The options that choose a path; none for the usual one."""
    if path in ("", DEFAULT_PATH):
        return ()
    plan = plan_from(path)
    first, last = plan.first.name, plan.last.name
    if path in load_paths() or path != between(first, last):
        return (("--path", path),)
    return (("--from", first), ("--to", last))


def _with_dumps(finding: Finding, onward_to: _Next) -> Finding:
    """The finding with a command that rehearses this cloud with its cure: with all that the next command names.

    A cloud that cannot be rehearsed on this path has none, and no command.
    """
    if not finding.command.startswith(_REHEARSE):
        return finding
    if not onward_to.on_this_path:
        return replace(finding, command="")
    # Directories of scenarios are among the command's own options.
    cure = finding.command.removeprefix(_REHEARSE).partition(" --scenarios ")[0]
    return replace(finding, command=onward_to.command + cure)


def _dumped(options: str, url: str, seen: Inspection) -> str:
    """The command that rehearses what was looked at on a live server: from a dump of it, which must be taken first."""
    if not url or not seen.databases:
        return f"{_REHEARSE} DUMP{options}"
    return f"{_taken(url, seen)} && {_REHEARSE} {_DUMP}{options}"


def _taken(url: str, seen: Inspection) -> str:
    """The command that takes a dump of a live server."""
    at = make_url(url)
    where = ["-h", at.host or "localhost", *(["-P", str(at.port)] if at.port else [])]
    who = ["-u", at.username, "-p"] if at.username else []
    options = shell_join(["mysqldump", *where, *who, "--single-transaction", "--databases", "--"])
    return f"{options} {shell_join([database.database for database in seen.databases])} > {_DUMP}"


def _done(versions: Versions, plan: Plan, seen: Inspection) -> bool:
    """Whether a rehearsal on this path has nothing left to run, its moves neither."""
    moved = {move.service: move.name for move in plan.moves}
    stays = any(moved.get(one.service, one.variant) not in (one.variant, one.revision) for one in seen.databases)
    return not stays and ended(versions, plan.releases)


def _next(
    given: Sequence[Path],
    usable: Usable | None,
    url: str,
    path: str,
    seen: Inspection,
    versions: Versions,
    options: str,
) -> _Next:
    """What to type next; ``options`` are those that it has on any route."""
    plan = plan_from(path or DEFAULT_PATH)
    if not fits(versions, plan.releases) or _done(versions, plan, seen):
        command = onward(versions, [str(dump.path) for dump in usable.dumps] if usable else [_DUMP])
        taken = "" if usable else f"{_taken(url, seen)} && "
        return _Next(f"{taken}{command}{options}" if command else _ROUTES, False)
    on_path = _written(_route_options(path)) + options
    return _Next(_rehearsal(on_path, given, usable) if usable else _dumped(on_path, url, seen), True)


def _rehearsal(options: str, given: Sequence[Path], usable: Usable) -> str:
    """The command that rehearses what was looked at: all that was given, or those dumps of it that could be used."""
    # What came from a pipe can be had again by the same command only where it was standard input.
    if any(part.kept for dump in usable.dumps for part in dump.parts) and list(map(str, given)) != ["-"]:
        return f"{_REHEARSE} DUMP{options}"
    if usable.halved:
        names = shell_join([section.name for dump in usable.dumps for section in dump.sections if section.name])
        return f"mysqldump --databases -- {names} > {_DUMP} && {_REHEARSE} {_DUMP}{options}"
    paths = [dump.path for dump in usable.dumps] if usable.findings else given
    return f"{_REHEARSE} {shell_join([str(path) for path in paths])}{options}"
