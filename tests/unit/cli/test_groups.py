"""Options in groups: a command takes dataclasses, and people see options."""

import dataclasses
from typing import Annotated

import typer
from typer.testing import CliRunner

from osupgrade.cli.groups import grouped


@dataclasses.dataclass(frozen=True)
class Timing:
    times: Annotated[int, typer.Option("--times", help="How often.")] = 1
    fast: Annotated[bool, typer.Option("--fast")] = False


def test_the_fields_are_options_with_their_defaults():
    app, seen = typer.Typer(), []

    @app.command()
    @grouped
    def work(timing: Timing, name: Annotated[str, typer.Option("--name")] = "a") -> int:
        seen.append((timing, name))
        return 0

    assert "How often." in CliRunner().invoke(app, ["--help"]).output
    for words in ([], ["--times", "3", "--fast", "--name", "b"]):
        assert CliRunner().invoke(app, words).exit_code == 0
    assert seen == [(Timing(), "a"), (Timing(3, True), "b")]
