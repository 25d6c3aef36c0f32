"""Commands that are imported when they are run: the libraries behind them take longer than most commands."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Entry:
    """Where a command is: a function, or the Typer application ``app`` of a group of commands.

    ``help`` is its line in the list of commands; the command's own help is in its module.
    """

    module: str
    attribute: str
    help: str

    def load(self, name: str) -> Any:
        """Import the command and build what parses its arguments."""
        found = getattr(import_module(self.module), self.attribute)
        if isinstance(found, typer.Typer):
            found.info.name = name
            return get_command(found)
        alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        alone.command(name)(found)
        return get_command(alone)


class LazyGroup(TyperGroup):
    """A group that knows its commands' names and help, and imports the one that is called."""

    entries: ClassVar[Mapping[str, Entry]] = {}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands.update(
            {
                name: TyperCommand(name, help=entry.help, rich_markup_mode="markdown")
                for name, entry in self.entries.items()
            }
        )

    def load(self, name: str) -> None:
        """Put the real command in the place of its entry; an unknown name is left to the parser's own message."""
        if name in self.entries:
            self.commands[name] = self.entries[name].load(name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments call, imported."""
        if args:
            self.load(args[0])
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The commands in the order in which they are declared."""
        return list(self.entries)


def whole(app: typer.Typer) -> TyperGroup:
    """The command line with every command imported, for who looks at all of them."""
    group = get_command(app)
    if not isinstance(group, LazyGroup):
        raise TypeError("not a command line whose commands are imported when they are run")
    for name in group.entries:
        group.load(name)
    return group
