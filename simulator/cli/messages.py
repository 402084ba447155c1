"""`ringfence messages RUN`: the recorded messages of a run, as lines of JSON."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from simulator.cli.grammar import FILE, Command

_EXAMPLES = """\
examples:
  ringfence messages runs/latest > messages.jsonl
  ringfence messages runs/latest --call daughter-in-singapore
"""
_HELP = """\
Print the recorded SIP messages of a run, each as a line of JSON, in order of time; scenarios/README.md tells the
members. RUN is the run's folder, such as runs/latest. Messages are recorded of calls that failed, and of all with
`ringfence run --messages all`.
"""


@click.command("messages", Command, help=_HELP, epilog=_EXAMPLES, short_help="print recorded messages as JSON")
@click.argument("run", type=FILE)
@click.option("--call", metavar="ID", help="of this call only, as the summary or calls.jsonl names it")
def messages(run: Path, call: str | None) -> int:
    """Print them."""
    from simulator.results.messages import MESSAGES, Calls, json_lines
    from simulator.results.run_reader import as_written, find_in, parts_of

    with as_written(run):
        parts, calls = parts_of(run), None
        if call is not None:
            folder, found = find_in(run, call)
            parts, calls = [folder], Calls((found.call_id, *found.record.get("legs", ())))
        if not any((part / MESSAGES).exists() for part in parts):
            print(f"{run / MESSAGES}: none recorded; `ringfence run --messages all` records them", file=sys.stderr)
        for part in parts:
            for line in json_lines(part / MESSAGES, calls):
                print(line)
    return 0
