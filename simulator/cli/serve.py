"""`ringfence serve`: the stage, a lab that stands and is shown on a page."""

from __future__ import annotations

from typing import Any

import click

from simulator.cli.grammar import FILE, Command, OneOf

_HELP = """\
Set a lab up and show it on a page: place scam calls and wanted ones, see and hear what becomes of them, change what
subscribers chose, and let the next call be judged by it. All stays on this machine, unless --share says otherwise.
Runs until Ctrl-C or SIGTERM.
"""
_EXAMPLES = """\
examples:
  ringfence serve                             three subscribers, and a page at http://127.0.0.1:8060
  ringfence serve --open                      the same, and the browser opens it
  ringfence serve --share                     the audience's handsets come in as well, with a token
  ringfence serve scenarios/wangiri.yaml      the subscribers, lists and rules of a scenario
"""


@click.command("serve", Command, help=_HELP, epilog=_EXAMPLES, short_help="show a lab live in the browser")
@click.argument("scenario", required=False, type=FILE)
@click.option("--softswitch", type=OneOf(("embedded", "docker")), default="embedded", help="as with `ringfence run`")
@click.option("--host", help="address of the page [127.0.0.1; with --share every one of this machine]")
@click.option("--port", type=click.IntRange(0, 65535), help="its port [8060, or a free one where that is taken]")
@click.option("--sip-port", type=click.IntRange(0, 65535), help="of softphones [5060, or a free one]")
@click.option("--share", is_flag=True, help="let others in, who have the URL with its token, from other machines, too")
@click.option("--open", "opens", is_flag=True, help="open it in the browser")
@click.pass_obj
def serve(forks: Any, /, **options: Any) -> int:
    """Stand until a signal comes."""
    from simulator.cli import standing  # which imports lab and web server

    return standing.serve(standing.Arguments(forks=forks, asked_host=options.pop("host"), **options))
