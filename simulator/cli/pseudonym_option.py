"""`--pseudonymise KEY`, for the commands that leave a folder."""

from __future__ import annotations

from typing import Any

import click

_HELP = "put pseudonyms in the place of numbers and user names, in the run's folder and reports; @FILE reads the key"


def _key(context: click.Context, option: click.Parameter, said: str | None) -> str | None:  # noqa: ARG001  # as click calls it
    from simulator.cli.pseudonymising import key_of  # which imports what reads numbers

    return None if said is None else key_of(said)


def pseudonym_option(command: Any) -> Any:
    """The decorator that gives a command the option."""
    return click.option(
        "--pseudonymise", callback=_key, envvar="RINGFENCE_PSEUDONYM_KEY", show_envvar=True, metavar="KEY", help=_HELP
    )(command)
