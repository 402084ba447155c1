"""The ladder of a call: who sent what to whom and when, all its legs merged, with the policy's verdict in its place.

A ladder is data, which the terminal and the HTML report draw each in their way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from textwrap import wrap
from typing import Any

from proxy.files.visible import visible
from proxy.sip.uri import hostport
from simulator.addresses import Address
from simulator.results.messages import Message, messages_by_call
from simulator.results.run_reader import PlayedCall, addresses, find_calls, messages_of_call

_FIRST_LINE = re.compile(rb"(?:SIP/2\.0 (\d{3}) ([^\r\n]*)|([A-Z]+) [^\r\n]* SIP/2\.0)\r?\n")
_CSEQ_METHOD = re.compile(rb"\r\nCSeq\s*:[ \t]*\d+[ \t]+(\w+)", re.IGNORECASE)
_TIMES = 17  # columns for times
_MARGIN = 5  # columns behind the last lifeline
_NARROWEST = 13  # columns between two lifelines


@dataclass(frozen=True, slots=True)
class Lifeline:
    """An element that sends and receives, in order from the caller to the phone; `title` says what it is."""

    title: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrow:
    """A message from one lifeline to another, by their places. `at` is seconds from the first message, `again` marks a
    retransmission."""

    at: float
    source: int
    target: int
    label: str
    again: bool
    message: Message


@dataclass(frozen=True, slots=True)
class Judgement:
    """The policy's verdict at the proxy's lifeline: the rule that decided, its evidence, and what took how long."""

    at: float
    lifeline: int
    verdict: str
    detail: str
    elapsed_us: float | None
    trace: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """A call as it went; `begins` is the time of its first message, in UTC."""

    title: str
    begins: datetime | None
    lifelines: tuple[Lifeline, ...]
    steps: tuple[Arrow | Judgement, ...] = field(default=())


def ladder_of(run: Path, call: PlayedCall, *, proxied: bool = True) -> Ladder:
    """The ladder of a call of a run, as far as its messages were recorded."""
    messages = messages_of_call(run, call, proxied=proxied)
    if not proxied:  # whatever sits where those of the lab do is the softswitch, at a port of its own
        return build(title_of(call.told), messages, dict.fromkeys(addresses(run), "softswitch"), {})
    return build(title_of(call.told), messages, addresses(run), call.record)


def ladders_of(run: Path, names: Collection[str]) -> dict[str, Ladder]:
    """The ladders of several calls of a run through the proxy; its files are read once."""
    calls = find_calls(run, names)
    messages = messages_by_call(run, {call.call_id: call.record.get("legs", ()) for call in calls.values()})
    known = addresses(run)
    return {
        name: build(title_of(call.told), [each for each in messages[call.call_id] if each.proxied], known, call.record)
        for name, call in calls.items()
    }


def title_of(told: Mapping[str, Any]) -> str:
    """The call in a line, from its line of calls.jsonl."""
    return f"{told['id']}: {told['method']} from {told['caller']} to {told['callee']} on trunk {told['trunk']}"


def build(title: str, messages: Sequence[Message], known: Mapping[str, str], record: Mapping[str, Any]) -> Ladder:
    """Draw messages up as a ladder. `known` says what sits at an address; others are callers, or phones, by which way
    their first message goes."""
    if not messages:
        return Ladder(title, None, ())
    lifelines, places = _lifelines(messages, known)
    first = messages[0].at
    seen: set[tuple[Address, Address, bytes]] = set()
    steps: list[Arrow | Judgement] = []
    proxy = next((place for place, line in enumerate(lifelines) if line.title == "proxy"), None)
    judged = not record or proxy is None
    for message in messages:
        source, target = places[_name(message.sender)], places[_name(message.receiver)]
        this = (message.sender, message.receiver, message.data)
        steps.append(Arrow(message.at - first, source, target, label(message.data), this in seen, message))
        seen.add(this)
        if not judged and target == proxy and proxy is not None and _is_judged(message, record):
            steps.append(_judgement(message.at - first, proxy, record))
            judged = True
    return Ladder(title, messages[0].time, lifelines, tuple(steps))


def label(data: bytes) -> str:
    """The method of a request, the status and reason of a response with the method that it answers but for INVITE."""
    first = _FIRST_LINE.match(data)
    if first is None:
        return "(not SIP)"
    if first[3]:
        return first[3].decode()
    method = _CSEQ_METHOD.search(data)
    answered = f" ({method[1].decode()})" if method and method[1] not in (b"INVITE", b"MESSAGE") else ""
    return f"{first[1].decode()} {first[2].decode('utf-8', 'replace')}{answered}"


def _is_judged(message: Message, record: Mapping[str, Any]) -> bool:
    return message.call_id == record["call_id"] and message.data.startswith(record["method"].encode() + b" ")


def _judgement(at: float, proxy: int, record: Mapping[str, Any]) -> Judgement:
    status = f" with {record['status']}" if record.get("status") else ""
    verdict = f"{record['action']}{status} by {record['rule']}"
    trace = tuple(tuple(entry) for entry in record.get("trace", ()))
    return Judgement(at, proxy, verdict, record.get("detail", ""), record.get("elapsed_us"), trace)


def _lifelines(messages: Sequence[Message], known: Mapping[str, str]) -> tuple[tuple[Lifeline, ...], dict[str, int]]:
    """The lifelines from caller to phone, and the place of each address among them.

    Softswitch and phone are there as well where nothing reached them: their silence tells something.
    """
    roles: dict[str, str] = {}
    hosts = sorted(known.items(), key=lambda each: each[1] == "proxy")  # where both have one, it is the proxy's
    near_hosts = {address.rpartition(":")[0]: role for address, role in hosts}
    for message in messages:
        for address in (_name(message.sender), _name(message.receiver)):
            if address not in roles:
                near = near_hosts.get(address.rpartition(":")[0], "")  # a port of a connection that it made
                roles[address] = known.get(address) or near or ("caller" if not roles else _stranger(roles))
    silent = {role: address for address, role in known.items() if role == "softswitch"}
    order = sorted({*roles.values(), *silent, "phone"}, key=_order)
    lines = tuple(
        Lifeline(role, tuple(address for address, its in roles.items() if its == role) or (silent.get(role, ""),))
        for role in order
    )
    return lines, {address: order.index(role) for address, role in roles.items()}


def _stranger(roles: Mapping[str, str]) -> str:
    """The role of an address of which nothing is known: a phone, the second and third with a number."""
    phones = [role for role in roles.values() if role.startswith("phone")]
    return f"phone {len(phones) + 1}" if phones else "phone"


def _order(role: str) -> tuple[int, str]:
    return ("caller", "proxy", "softswitch", "phone").index(role.partition(" ")[0]), role


def _name(address: Address) -> str:
    return hostport(*address)


def text(ladder: Ladder, width: int = 80) -> Iterator[str]:
    """Draw a ladder in lines of `width` columns, or of more where so many lifelines need them."""
    yield from wrap(_in_line(ladder.title), width, break_on_hyphens=False, max_lines=3, placeholder=" ...")
    if ladder.begins is None:
        yield "no message of it was recorded: `ringfence run --messages all` records those of every call"
        return
    yield f"from {ladder.begins:%Y-%m-%d %H:%M:%S.%f} UTC; ms since then and since the line before"
    gaps = max(1, len(ladder.lifelines) - 1)
    gap = max(_NARROWEST, (width - _TIMES - _MARGIN) // gaps)
    columns = [_TIMES + place * gap for place in range(len(ladder.lifelines))]
    width = max(width, columns[-1] + _MARGIN)
    yield ""
    yield _placed([line.title for line in ladder.lifelines], columns, width)
    for row in range(2):
        yield _placed([_part(line.addresses[0], row) for line in ladder.lifelines], columns, width)
    previous = 0.0
    for step in ladder.steps:
        if isinstance(step, Judgement):
            yield from _judged(step, columns, width)
            continue
        since = f"+{(step.at - previous) * 1e3:.1f}" if step.at else ""
        times = f"{step.at * 1e3:8.1f} {since:>6}"
        yield f"{times}{_drawn(step, columns, width)[len(times) :]}".rstrip()
        previous = step.at


def spelled_out(ladder: Ladder) -> Iterator[str]:
    """Each message as it was sent, under a line that says when, from where and to where."""
    for step in ladder.steps:
        if isinstance(step, Arrow):
            source, target = ladder.lifelines[step.source].title, ladder.lifelines[step.target].title
            ends = f"{_name(step.message.sender)} to {_name(step.message.receiver)}"
            yield ""
            yield f"--- {step.at * 1e3:.1f} ms, {source} to {target}, {step.message.transport} {ends}"
            said = step.message.data.decode("utf-8", "backslashreplace").rstrip("\r\n")
            yield from visible(said.replace("\r\n", "\n")).split("\n")


def _bars(columns: Sequence[int], width: int) -> list[str]:
    line = [" "] * width
    for column in columns:
        line[column] = "|"
    return line


def _drawn(step: Arrow, columns: Sequence[int], width: int) -> str:
    line = _bars(columns, width)
    begin, end = sorted((columns[step.source], columns[step.target]))
    said = _in_line(step.label) + (" again" if step.again else "")
    if begin == end:
        return "".join(line[: begin + 1]) + f" {said} to itself"
    room = end - begin - 1
    shaft = said[: room - 2].center(room - 1, "-")
    drawn = f"{shaft}>" if step.target > step.source else f"<{shaft}"
    line[begin + 1 : end] = drawn
    return "".join(line)


def _judged(step: Judgement, columns: Sequence[int], width: int) -> Iterator[str]:
    """The verdict, beside the proxy's lifeline."""
    place = columns[step.lifeline]
    took = f" ({step.elapsed_us:.0f} us)" if step.elapsed_us is not None else ""
    for words in (f"{step.verdict}{took}", step.detail):
        for line in wrap(_in_line(words), width - place - 2):
            bars = _bars(columns, width)
            said = f"# {line}"
            bars[place : place + len(said)] = said
            yield "".join(bars).rstrip()


def _in_line(text: str) -> str:
    """The text of a peer as it may stand in one line of a terminal."""
    return visible(text.replace("\n", " "))


def _part(address: str, row: int) -> str:
    host, _, port = address.rpartition(":")
    return (host, f":{port}")[row] if host else ""


def _placed(words: Sequence[str], columns: Sequence[int], width: int) -> str:
    line = [" "] * width
    for word, column in zip(words, columns, strict=True):
        begin = max(0, min(column - len(word) // 2, width - len(word)))
        line[begin : begin + len(word)] = word
    return "".join(line).rstrip()
