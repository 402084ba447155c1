"""`ringfence ladder RUN CALL`: who sent what to whom and when."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.grammar import FILE, Command

_HELP = """\
Draw the ladder of a call: its messages on all legs, in order of time, with the verdict of the policy where it fell.
RUN is the run's folder, such as runs/latest; CALL is as the summary or calls.jsonl names it. Messages are recorded of
calls that failed, and of all with `ringfence run --messages all`.
"""
_EXAMPLES = """\
examples:
  ringfence ladder runs/latest daughter-in-singapore
  ringfence ladder runs/latest wangiri.07 --messages | less
"""


@click.command("ladder", Command, help=_HELP, epilog=_EXAMPLES, short_help="draw the messages of a call")
@click.argument("run", type=FILE)
@click.argument("call")
@click.option("--direct", is_flag=True, help="the pass straight to the softswitch, without the proxy")
@click.option("--messages", is_flag=True, help="print each message below the ladder, as it was sent")
def ladder(run: Path, call: str, direct: bool, messages: bool) -> int:
    """Print a ladder, and the messages where asked."""
    from simulator.report import ladder as drawing
    from simulator.results.run_reader import as_written, find_in

    with as_written(run):
        drawn = drawing.ladder_of(*find_in(run, call), proxied=not direct)
    for line in drawing.text(drawn):
        print(line)
    if messages:
        for line in drawing.spelled_out(drawn):
            print(line)
    return 0
