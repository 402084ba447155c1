"""`ringfence report RUN`: one call of a run, captures and tables, from the files that the run left."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from simulator.cli.grammar import FILE, Command
from simulator.report.pcap import write_pcap
from simulator.results.messages import MESSAGES, messages_of, read_messages
from simulator.results.parquet import write_parquet
from simulator.results.run_reader import PlayedCall, find_call, messages_of_call
from simulator.wording import counted

_EXAMPLE = """\
examples:
  ringfence report runs/latest --call daughter-in-singapore
  ringfence report runs/latest --call daughter-in-singapore --pcap daughter.pcap
  ringfence report runs/latest --parquet calls.parquet
"""


_HELP = """\
Show one call of a run: what was planned, what caller, phone and proxy saw of it, what every rule said, and what it adds
up to; or write the messages of a call, or of all, as a capture for Wireshark, tshark and sngrep. RUN is the run's
folder, such as runs/latest.
"""


@click.command("report", Command, help=_HELP, epilog=_EXAMPLE, short_help="show a call of a run")
@click.argument("run", type=FILE)
@click.option("--call", metavar="ID", help="the call, as the summary or calls.jsonl names it")
@click.option(
    "--pcap", type=FILE, metavar="F", help="write its messages to this file as a capture; without --call, all"
)
@click.option("--parquet", type=FILE, metavar="F", help="write the calls to this file as a table")
def report(run: Path, call: str | None, pcap: Path | None, parquet: Path | None) -> int:
    """Print what is known of a call, or write its messages as a capture, or all calls as a table."""
    if call is None and pcap is None and parquet is None:
        raise click.UsageError("say what to show: --call ID, --pcap F or --parquet F")
    if pcap is not None:
        found = find_call(run, call) if call is not None else None
        messages = read_messages(run / MESSAGES) if found is None else messages_of_call(run, found)
        count = write_pcap(pcap, messages)
        print(
            f"{pcap}: {counted(count, 'message')}" + ("" if count else "; `ringfence run --messages all` records them")
        )
    if parquet is not None:
        print(f"{parquet}: {counted(write_parquet(run, parquet), 'call')}")
    if call is not None and pcap is None:
        for line in shown(run, call):
            print(line)
    return 0


def shown(run: Path, call_id: str) -> Iterator[str]:
    """Tell all that is known of a call, line by line. Raises FileErrors where there is no such run or call."""
    found = find_call(run, call_id)
    call, record = found.told, found.record
    yield f"{call['id']}, {call['method']} on trunk {call['trunk']} from {call['caller']} to {call['callee']}"
    yield f"  truth     {call['truth']}"
    expected = {name: value for name, value in (call["expected"] or {}).items() if value is not None}
    if expected:
        yield f"  expected  {', '.join(f'{name} {value}' for name, value in expected.items())}"
    yield f"  caller    {_caller_saw(call['caller_saw'])}"
    yield f"  phone     {_phone_saw(call['phone_saw'], call['method'])}"
    wrote = call["proxy_wrote"]
    if wrote is None:
        yield "  proxy     wrote no call record"
    else:
        status = f" with {wrote['status']}" if wrote["status"] else ""
        yield f"  proxy     {wrote['action']}{status} by {wrote['rule']}: {wrote['detail']}"
        for rule, mode, outcome, detail in record.get("trace", ()):
            yield f"              {rule} ({mode}) {outcome}: {detail}"
    yield f"  became    {call['outcome']}"
    if (run / MESSAGES).exists():
        yield f"  messages  {_messages(run, found)}"
    for problem in call["disagreements"]:
        yield f"  fault     {problem}"
    if call.get("wrong"):
        yield f"  wrong     {call['wrong']}"


def _messages(run: Path, call: PlayedCall) -> str:
    """Tell how many messages of the call were recorded, and how to see them."""
    found = messages_of(run, call.call_id, call.record.get("legs", ()))
    if not found:
        return f"none in {MESSAGES}"
    ids = dict.fromkeys(message.call_id for message in found)
    see = f"ringfence ladder {shlex.quote(str(run))} {call.told['id']}"
    return f"{len(found)} in {MESSAGES}, Call-ID {', '.join(map(str, ids))}: {see}"


def _caller_saw(saw: dict[str, Any]) -> str:
    if saw["sent"] is None:
        return saw["error"] or "sent nothing"

    def after(moment: float) -> str:
        return f"after {(moment - saw['sent']) * 1e3:.1f} ms"

    seen = [f"ringing {after(saw['ringing'])}"] if saw["ringing"] is not None else []
    if saw["status"] is not None:
        seen.append(f"{saw['status']} {after(saw['final'])}" if saw["final"] is not None else str(saw["status"]))
    seen += [saw["error"]] if saw["error"] else []
    return ", ".join(seen) or "heard nothing"


def _phone_saw(saw: dict[str, Any], method: str) -> str:
    if not saw["invites"]:
        return saw["error"] or f"saw no {method}"
    times = "" if saw["invites"] == 1 else f" {saw['invites']} times"
    answered = f", answered {saw['status']}" if saw["status"] is not None else ""
    return f"saw the {method}{times}{answered}" + (f"; {saw['error']}" if saw["error"] else "")
