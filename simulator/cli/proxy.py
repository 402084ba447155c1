"""`ringfence proxy ...`: the proxy's own command line, which needs no library of ours."""

from __future__ import annotations

import click

from simulator.cli.grammar import Handed


@click.command("proxy", Handed, short_help="run the proxy alone until SIGTERM")
@click.argument("arguments", nargs=-1, type=click.Path())
def proxy(arguments: tuple[str, ...]) -> int:
    """Hand the arguments over."""
    from proxy import __main__ as proxy_alone

    return proxy_alone.main(arguments)
