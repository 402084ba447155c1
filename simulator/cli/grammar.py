"""Hold what commands share: paths, help with examples as they are written, and a command line of the proxy's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path)


class OneOf(click.Choice[str]):
    """One of a few words."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:  # noqa: ARG002  # as click calls it
        """Say what was found and expected."""
        return f'found "{value}", expected {" or ".join(self.choices)}'


class WholeNumber(click.ParamType[int]):
    """A whole number of any size that Python reads."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        try:
            return int(value)
        except ValueError:
            self.fail(f'found "{value}", expected a whole number of at most 4,300 digits', param, ctx)


class Command(click.Command):
    """A command whose epilog, the examples, keeps its lines."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # as click calls it
        """Write the examples as they are."""
        if self.epilog:
            formatter.write(f"\n{self.epilog}")


class Group(click.Group):
    """A command with commands below it, in the order in which they were put there."""

    command_class = Command
    format_epilog = Command.format_epilog

    def __init__(self, *names: Any, **more: Any) -> None:
        super().__init__(*names, **more)
        self.no_args_is_help = False  # that no command was named is an error, in one line

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # as click calls it
        """Their names."""
        return list(self.commands)


class Handed(click.Command):
    """A command whose arguments, --help among them, another parser reads."""

    def __init__(self, name: str, **more: Any) -> None:
        settings = {"ignore_unknown_options": True, "allow_interspersed_args": False}
        super().__init__(name, add_help_option=False, context_settings=settings, **more)
