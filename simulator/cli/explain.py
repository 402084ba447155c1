"""`ringfence explain ...`: the proxy's own command line, which needs no library of ours."""

from __future__ import annotations

import click

from simulator.cli.grammar import Handed


@click.command("explain", Handed, short_help="what the policy says to one SIP request")
@click.argument("arguments", nargs=-1, type=click.Path())
def explain(arguments: tuple[str, ...]) -> int:
    """Hand the arguments over."""
    from proxy import explain as explaining

    return explaining.main(arguments)
