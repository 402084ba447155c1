"""Plays the proxy's neighbours, line by line: `play().receive(INVITE).sends(100).sends("INVITE", SWITCH)`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Self, TypeVar

from proxy.core.call_record import CallRecords
from proxy.core.events import Event
from proxy.core.proxy_core import ProxyCore
from proxy.core.questions import Ask
from proxy.core.routing import Listener
from proxy.core.settings import CoreSettings
from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.trunks import SourceMatch, Trunk, TrunkTable
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.sip.flow import Flow
from proxy.sip.message import Request, Response, parse
from proxy.sip.shape import shape_of

Headers = Iterable[tuple[str, str]]  # names and values

LISTENERS = (
    Listener("udp", "127.0.0.1", 5060),
    Listener("tcp", "127.0.0.1", 5060),
    Listener("tls", "127.0.0.1", 5061),
)
SWITCH = Flow("udp", "127.0.0.9", 5080, 0)
ABROAD = Flow("udp", "127.0.1.1", 5070, 0)  # on a trunk whose identities are trusted
SHADY = Flow("udp", "127.0.3.1", 5070, 0)  # on a trunk whose identities are not
CARRIER = Flow("udp", "127.0.4.1", 5070, 0)  # on a domestic trunk that may transfer its calls
PHONE = Flow("udp", "127.0.0.77", 5071, 0)
TCP_PHONE = Flow("tcp", "127.0.0.78", 40001, 1)
TLS_PHONE = Flow("tls", "127.0.0.79", 40002, 2)
STRANGER = Flow("udp", "192.0.2.66", 5060, 0)
TRUNKS = TrunkTable(
    [
        (Trunk("international", "international", True), [SourceMatch.parse("127.0.1.0/24")]),
        (Trunk("shady", "international", False), [SourceMatch.parse("127.0.3.0/24")]),
        (Trunk("carrier", "domestic", True, refer="in_dialog"), [SourceMatch.parse("127.0.4.0/24")]),
        (Trunk("phones", "access"), [SourceMatch.parse("127.0.0.64/26")]),
    ]
)
ALICE, BARRED = "+8613800138001", "+8613800138002"  # BARRED takes no calls from abroad
DAUGHTER = "+6591234567"


class Nobody:
    """An empty scam list."""

    def find(self, number: str, at: float, /) -> None:
        return None


class Household:
    """The subscribers there are."""

    def find(self, number: str, /) -> Subscriber | None:
        return Subscriber(number, barring=Barring(incoming_international=number == BARRED))

    def find_user(self, user: str, /) -> Subscriber | None:
        return self.find(BARRED) if user == "barred" else None


def new_policy(**modes: Any) -> Policy:
    """China's rules without its labels: what passes leaves as it came."""
    rules = replace(preset.load("cn"), treatments={})
    modes = {name.replace("__", "."): mode for name, mode in modes.items()}
    return Policy(build_snapshot("CN", rules, Household(), Nobody(), modes))


def new_core(switch: Flow = SWITCH, **settings: Any) -> ProxyCore:
    settings = {"trying_after": 0.0, **settings}  # so that it stands where it is easiest to read
    return ProxyCore(CoreSettings(LISTENERS, switch, TRUNKS.find, **settings), new_policy(), b"secret" * 4)


def request(
    method: str,
    flow: Flow = ABROAD,
    *,
    to: str = ALICE,
    uri: str = "",
    branch: str = "z9hG4bK-1",
    via: str = "",
    call_id: str = "call-1",
    cseq: int = 1,
    to_tag: str = "",
    hops: int | str = 70,
    more: Headers = (),
    body: bytes = b"",
) -> bytes:
    """A request as a neighbour on that flow would send it; everything can be set."""
    uri = uri or f"sip:{to}@127.0.0.1"
    headers = [
        ("Via", via or f"SIP/2.0/{flow.transport.upper()} {flow.host}:{flow.port};branch={branch}"),
        ("Max-Forwards", str(hops)),
        ("From", f"<sip:{DAUGHTER}@{flow.host}>;tag=from"),
        ("To", f"<sip:{to}@127.0.0.1>" + (f";tag={to_tag}" if to_tag else "")),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} {method}"),
        *more,
    ]
    return bytes(Request.build(method, uri, headers, body))


INVITE = request("INVITE", more=[("Contact", "<sip:daughter@127.0.1.1:5070>")])


class Play:
    """A dialogue under way. Each line says who speaks; what the proxy sends must be said too, in its order."""

    def __init__(self, core: ProxyCore, now: float) -> None:
        self.core = core
        self.now = now
        self.last: Request | Response = Response(0, "", [], shape_of(()), b"")  # what the proxy sent last
        self.forwarded: Request = Request("", "", [], shape_of(()), b"")  # the last request it forwarded

    def receive(self, data: bytes, flow: Flow = ABROAD) -> Self:
        self.sends_nothing()
        self.core.receive(data, flow, self.now)
        return self

    def answer(self, status: int, flow: Flow = SWITCH, headers: Headers = ()) -> Self:
        """The peer answers the request that was forwarded last."""
        return self.receive(bytes(self.forwarded.reply(status, headers=headers, to_tag="callee")), flow)

    def sends(self, what: int | str, to: Flow | None = None) -> Self:
        """The next thing sent is a response of that status, or a request of that method, and goes there."""
        assert self.core.outbox, f"{what} expected, nothing sent"
        flow, data = self.core.outbox.pop(0)
        self.last = parse(data)
        if isinstance(self.last, Request):
            self.forwarded = self.last
        sent: int | str = self.last.method if isinstance(self.last, Request) else self.last.status
        assert sent == what, data.decode()
        assert to in (None, flow), f"{what} went to {flow}"
        return self

    def sends_nothing(self) -> Self:
        assert not self.core.outbox, self.core.outbox[0][1].decode()
        return self

    def wait(self, seconds: float) -> Self:
        """Time passes; each timer fires when it is due."""
        end = self.now + seconds
        while (due := self.core.next_timer()) <= end:
            self.now = max(self.now, due)
            self.core.run_timers(self.now)
        self.now = end
        self.core.run_timers(end)
        return self

    def forget_sent(self, what: str = "") -> Self:
        """Pass over all that was sent meanwhile; only over requests of a method where `what` names one."""
        self.core.outbox[:] = [sent for sent in self.core.outbox if not sent[1].startswith(what.encode())]
        return self

    def records(self) -> list[dict[str, Any]]:
        """The call records written since the last look."""
        return [line for line in self.lines() if line["event"] == "call"]

    def lines(self) -> list[dict[str, Any]]:
        """All lines of the call log since the last look."""
        return written(self.events())

    def events(self) -> list[Event]:
        """The events since the last look; questions stay until somebody answers them."""
        asks = taken(self.core, Ask)
        events = self.core.outputs.copy()
        self.core.outputs[:] = asks
        return events


E = TypeVar("E")


def taken(core: ProxyCore, kind: type[E]) -> list[E]:
    """The events of that class among the outputs, which are taken out."""
    found: list[E] = [event for event in core.outputs if isinstance(event, kind)]
    if found:
        core.outputs[:] = [event for event in core.outputs if not isinstance(event, kind)]
    return found


def written(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The lines of the call log that these events make."""
    lines: list[str] = []
    listener = CallRecords(lines.append)
    for event in events:
        listener(event)
    return [json.loads(line) for line in lines]


def play(core: ProxyCore | None = None, now: float = 1000.0) -> Play:
    return Play(core or new_core(), now)
