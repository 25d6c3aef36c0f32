"""``osupgrade sanitize``: a dump that may leave the site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import docker
import typer
from rich.console import Console

from osupgrade.catalog.survey import read_survey
from osupgrade.cli.options import DatabaseKind, path_of_dumps, plan_from
from osupgrade.cli.progress import progress_shown, reading
from osupgrade.cloud.laboratory import choose_database
from osupgrade.dump.choose import read_dumps, version_of_server
from osupgrade.dump.holdings import holdings
from osupgrade.dump.policy import Treatment, load_policy
from osupgrade.dump.read import Dump
from osupgrade.dump.sanitize import SanitizeReport, read_key
from osupgrade.dump.sanitize import sanitize as mask
from osupgrade.dump.shape import FACTS, ROWS, SPREAD, Shape
from osupgrade.dump.write import check_output, unless_it_fails
from osupgrade.lab.connect import connect
from osupgrade.lab.database import start_database
from osupgrade.lab.engine import Lab
from osupgrade.lab.images import ImageStore
from osupgrade.lab.server_settings import set_up, start_options
from osupgrade.model.errors import Exit
from osupgrade.model.quoting import one_line
from osupgrade.model.text import counted
from osupgrade.rehearsal.defaults import ASSUMED, silent
from osupgrade.report.terminal.console import terminal

SHOWN = 5
"""Columns that a line names before it counts them."""
ROOM = 4
"""Bytes that a server holds for one byte of SQL: two copies with their indexes."""


def sanitize(
    dumps: Annotated[list[Path], typer.Argument(help="Dumps, directories of dumps, or - for standard input.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write; must not exist.")],
    key_file: Annotated[
        Path, typer.Option("--key-file", help="File with the masking key: the same key gives the same masks.")
    ],
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="TOML file with your own masking rules, which override the defaults."),
    ] = None,
    proof: Annotated[
        Path | None, typer.Option("--proof", help="File for all measured facts, before and after.")
    ] = None,
    survey: Annotated[
        Path | None,
        typer.Option("--survey", help="Settings of your database server, collected by `osupgrade survey`."),
    ] = None,
    db: DatabaseKind = "auto",
) -> int:
    """Mask the private data in a dump, so that it can leave the site and still upgrades as before.

    Example: `osupgrade sanitize nova.sql.gz keystone.sql.gz -o clean.sql.gz --key-file key`
    """
    console = terminal()
    key = read_key(key_file)
    rules, known = load_policy(policy), read_survey(survey) if survey else None
    for file in (out, proof):
        if file:
            check_output(file)
    with progress_shown(console) as on_progress, unless_it_fails() as written:
        read = read_dumps(dumps, reading(on_progress))
        client = connect()
        path = path_of_dumps(holdings(read))
        version = version_of_server(read, known)
        image = choose_database(client, plan_from(path), db, lambda text: on_progress(text, ""), version)
        tag = ImageStore(client).ensure([image], lambda _progress: None)[image]
        memory, options = server_for(client, read)
        options += start_options(known) if known else ()
        with Lab(client) as lab, start_database(lab, tag, memory=memory, options=options) as server:
            unset = set_up(server, known) if known else ()
            report = mask(server, read, out, key, rules, on_progress, survey=known)
            written.append(out)
    if proof:
        proof.write_text("".join(f"{_line(shape)}\n" for shape in report.shapes), "utf-8")
    unsaid = () if known else silent(read)
    if unsaid:
        words = f"the output states {ASSUMED} as the default character set of {', '.join(unsaid)}, which is assumed"
        unset = (*unset, f"{words}: the dump does not say it, but a --survey does")
    for words in unset:
        console.print(one_line(words), soft_wrap=True)
    _print(report, console)
    return Exit.CAME_THROUGH


def server_for(client: docker.DockerClient, dumps: Sequence[Dump]) -> tuple[bool, tuple[str, ...]]:
    """How the server that sanitizes is started: whether its files go into memory, and its options.

    They do where they fit into a quarter of the engine's.
    """
    memory = int(client.info().get("MemTotal", 0))
    wanted = ROOM * sum(dump.sql_bytes for dump in dumps)
    buffer = max(256 << 20, min(wanted, memory // 8))
    return wanted < memory // 4, (f"--innodb-buffer-pool-size={buffer}", "--innodb-log-file-size=256M")


_DONE = {Treatment.KEEP: "kept", Treatment.DROP: "dropped"}


def _print(report: SanitizeReport, console: Console) -> None:
    for treatment, columns in sorted(report.treated.items()):
        console.print(f"{columns:6d} {counted(columns, 'column[s]')}: {treatment}")
    for column, done in report.unknown.items():
        console.print(f"unknown column, {_DONE.get(done, 'masked')}: {one_line(column)}")
    for name in sorted(set(report.spared.values())):
        these = [column for column, said in report.spared.items() if said == name]
        more = f" and {len(these) - SHOWN} more" if len(these) > SHOWN else ""
        console.print(
            f'kept, though the policy hides "{name}": {one_line(", ".join(these[:SHOWN]))}{more}; rows refer to them, '
            "or the schema spells their values out",
            soft_wrap=True,
        )
    for finding in report.findings:
        why = f" ({finding.consequence})" if finding.consequence else ""
        console.print(one_line(f"{finding.message}{why}"), soft_wrap=True)
    for name, new in report.renamed.items():
        console.print(f"database {one_line(name)} is named {new} in the output", soft_wrap=True)
    for what in report.left:
        console.print(f"left out: {one_line(what)}", soft_wrap=True)
    if report.names:
        console.print(counted(report.names, "masked: {n} custom name[s] or text[s] in table and column definitions"))
    for line in _side_by_side(report.shapes):
        console.print(one_line(line), soft_wrap=True)
    console.print(counted(len(report.shapes), "shape: {n} fact[s] compared, no difference"))
    console.print(
        f"leak scan: none of the masked values was found in the {report.scanned_bytes} bytes of output; "
        + counted(report.masked_values, "{n} value[s] [was|were] masked individually, besides ids and dropped content"),
        soft_wrap=True,
    )
    console.print(f"wrote {report.written.path} in {report.seconds:.1f} s", soft_wrap=True)


def _side_by_side(shapes: Sequence[Shape]) -> Iterator[str]:
    """The facts of every table that has rows, its columns' added up, before = after; then the relations."""
    sums: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    for shape in shapes:
        about = (shape.fact.table, "" if shape.fact.table else shape.fact.place)
        before, after = sums.setdefault(about, {}).get(shape.fact.what, (0, 0))
        sums[about][shape.fact.what] = before + shape.before, after + shape.after
    width = max((len(table) for table, _relation in sums), default=0)
    for (table, _relation), facts in sums.items():
        if table and facts[ROWS][0]:
            said = [f"{fact} {_pair(*facts[fact])}" for fact in FACTS if fact != SPREAD and any(facts.get(fact, ()))]
            yield f"{table:<{width}}  {', '.join(said)}"
    for (_table, relation), facts in sums.items():
        if relation:
            yield f"{relation}: {', '.join(f'{fact} {_pair(*pair)}' for fact, pair in facts.items())}"


def _pair(before: int, after: int) -> str:
    return f"{before} = {after}" if before == after else f"{before} before, {after} after"


def _line(shape: Shape) -> str:
    return f"{shape.fact.place}, {shape.fact.what}: {shape.before} before, {shape.after} after"
