"""`ringfence report`: a page about a run, one call of it, captures and tables."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from proxy.config.addresses import TransportAddress
from proxy.files.visible import visible
from proxy.observability.hep import Node
from simulator.cli.complaints import complain
from simulator.exit_code import ExitCode
from simulator.report.evidence_words import caller_saw, phone_saw
from simulator.report.hep import send_hep
from simulator.report.pcap import captured, with_sound, write_pcap
from simulator.results.messages import MESSAGES, messages_of
from simulator.results.parquet import write_parquet
from simulator.results.run_reader import PlayedCall, as_written, find_in, messages_of_call, missing_calls, parts_of
from simulator.wording import counted


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options that the command line asked for."""

    run: Path
    calls: Sequence[str]
    html: Path | None
    pcap: Path | None
    parquet: Path | None
    hep: TransportAddress | None
    hep_key: str
    hep_rate: int


def report(arguments: Arguments) -> int:
    """Write, print or send what was asked for."""
    with as_written(arguments.run):
        return _report(arguments)


def _report(arguments: Arguments) -> int:
    run, calls, hep = arguments.run, arguments.calls, arguments.hep
    html, pcap, parquet = arguments.html, arguments.pcap, arguments.parquet
    told = None
    found = [find_in(run, call) for call in calls]
    if pcap is not None:
        of_calls = (with_sound(part, messages_of_call(part, call)) for part, call in found)
        count = write_pcap(pcap, chain.from_iterable(of_calls if calls else map(captured, parts_of(run))))
        print(
            f"{pcap}: {counted(count, 'packet')}" + ("" if count else "; `ringfence run --messages all` records them")
        )
    if parquet is not None:
        told = write_parquet(run, parquet)
        print(f"{parquet}: {counted(told, 'call')}")
    if hep is not None:
        chosen: list[tuple[Path, PlayedCall | None]] = [*found] or [(part, None) for part in parts_of(run)]
        sent = send_hep(chosen, (hep.host, hep.port), Node(key=arguments.hep_key), arguments.hep_rate)
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
        for part, call in found:
            for line in shown(part, call):
                print(visible(line))
    return ExitCode.ENVIRONMENT if complain("report", missing_calls(run, told)) else 0


def shown(run: Path, found: PlayedCall) -> Iterator[str]:
    """Tell all that is known of a call, line by line."""
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
