"""`ringfence report RUN`: a page about a run, one call of it, captures and tables, from the files that the run left."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import click

from proxy.config.addresses import TransportAddress, parse_udp_address
from proxy.files.visible import visible
from proxy.observability.hep import Node
from simulator.cli.grammar import FILE, Command
from simulator.judging.result import ExitCode
from simulator.report.evidence_words import caller_saw, phone_saw
from simulator.report.hep import send_hep
from simulator.report.pcap import captured, with_sound, write_pcap
from simulator.results.messages import MESSAGES, messages_of
from simulator.results.parquet import write_parquet
from simulator.results.run_reader import PlayedCall, find_call, messages_of_call, missing_calls
from simulator.wording import counted


class _Collector(click.ParamType[TransportAddress]):
    """A UDP address, such as udp:127.0.0.1:9060."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> TransportAddress:
        """Read it."""
        try:
            return parse_udp_address(value)
        except ValueError as error:
            self.fail(f'found "{value}", expected {error}', param, ctx)


_EXAMPLES = """\
examples:
  ringfence report runs/latest
  ringfence report runs/latest --html report.html --call daughter-in-singapore
  ringfence report runs/latest --call daughter-in-singapore
  ringfence report runs/latest --call daughter-in-singapore --pcap daughter.pcap
  ringfence report runs/latest --parquet calls.parquet
  ringfence report runs/latest --hep udp:127.0.0.1:9060
"""


_HELP = """\
Write the report of a run as one page, to report.html in its folder or where --html says. It holds all that it shows,
with the ladders of calls that failed, of those of --call, and of others as far as there is room. With --call and
without --html, print what is known of a call instead: what was planned, what caller, phone and proxy saw of it, what
every rule said, and what it adds up to. With --pcap, write the messages of these calls, or of all, as a capture for
Wireshark, tshark and sngrep; with --hep, send them to Homer or `sngrep -L` over HEPv3, with the times at which they
passed, and the proxy's records of the calls; with --parquet, write all calls as a table. RUN is the
run's folder, such as runs/latest.
"""


@click.command("report", Command, help=_HELP, epilog=_EXAMPLES, short_help="report a run, or a call of it")
@click.argument("run", type=FILE)
@click.option("--call", "calls", multiple=True, metavar="ID", help="a call, as the summary or calls.jsonl names it")
@click.option("--html", type=FILE, metavar="F", help="write the page to this file")
@click.option(
    "--pcap", type=FILE, metavar="F", help="write its messages to this file as a capture; without --call, all"
)
@click.option("--parquet", type=FILE, metavar="F", help="write the calls to this file as a table")
@click.option("--hep", type=_Collector(), metavar="ADDRESS", help="send its messages and records there, over HEPv3")
@click.option(
    "--hep-key", default="", metavar="KEY", envvar="RINGFENCE_HEP_KEY", show_envvar=True, help="a key that it asks for"
)
@click.option(
    "--hep-rate", type=click.IntRange(1), default=1000, show_default=True, help="HEP packets a second, at most"
)
def report(
    run: Path,
    calls: tuple[str, ...],
    html: Path | None,
    pcap: Path | None,
    parquet: Path | None,
    hep: TransportAddress | None,
    hep_key: str,
    hep_rate: int,
) -> int:
    """Write the page of a run or a table, print what is known of calls, or write or send their messages."""
    told = None
    if pcap is not None:
        found = [find_call(run, call) for call in calls]
        messages = chain.from_iterable(messages_of_call(run, call) for call in found)
        count = write_pcap(pcap, with_sound(run, messages) if calls else captured(run))
        print(
            f"{pcap}: {counted(count, 'packet')}" + ("" if count else "; `ringfence run --messages all` records them")
        )
    if parquet is not None:
        told = write_parquet(run, parquet)
        print(f"{parquet}: {counted(told, 'call')}")
    if hep is not None:
        chosen = [find_call(run, call) for call in calls]
        sent = send_hep(run, chosen, (hep.host, hep.port), Node(key=hep_key), hep_rate)
        print(f"{hep}: {sent}" + ("" if sent.messages else "; `ringfence run --messages all` records messages"))
    if html is not None or (pcap is None and hep is None and parquet is None and not calls):
        from simulator.report.html.load_page import document, is_load
        from simulator.report.html.page import write  # which not every command waits for

        target = html or run / "report.html"
        if is_load(run):
            target.write_text(document(run), encoding="utf-8")
            print(target)
            return 0
        write(run, target, calls)
        print(target)
    elif pcap is None and hep is None:
        for call in calls:
            for line in shown(run, call):
                print(visible(line))
    complaints = list(missing_calls(run, told))
    for complaint in complaints:
        print(f"ringfence report: {complaint}", file=sys.stderr)
    return ExitCode.ENVIRONMENT if complaints else 0


def shown(run: Path, call_id: str) -> Iterator[str]:
    """Tell all that is known of a call, line by line. Raises FileErrors where there is no such run or call."""
    found = find_call(run, call_id)
    call, record = found.told, found.record
    yield f"{call['id']}, {call['method']} on trunk {call['trunk']} from {call['caller']} to {call['callee']}"
    yield f"  truth     {call['truth']}"
    expected = {name: value for name, value in (call["expected"] or {}).items() if value is not None}
    if expected:
        yield f"  expected  {', '.join(f'{name} {value}' for name, value in expected.items())}"
    yield f"  caller    {caller_saw(call['caller_saw'])}"
    yield f"  phone     {phone_saw(call['phone_saw'], call['method'])}"
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
