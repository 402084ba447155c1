"""A proxy without sockets for one message at a time, and what it made of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.core.proxy_core import ProxyCore
from proxy.core.routing import Listener
from proxy.core.settings import CoreSettings
from proxy.policy.engine import Policy
from proxy.policy.trunks import Trunk
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.sip.flow import Flow
from proxy.sip.message import Request, Response, parse
from tests.plays import ROOT

MESSAGES = ROOT / "tests" / "torture" / "messages"
# The Route headers of the messages name these two, so this proxy is the one that they are on their way to.
LISTENERS = (
    Listener("udp", "127.0.0.1", 5080),
    Listener("udp", "services.example.com", 5060),
    Listener("udp", "2001:db8::10", 5060),
)
SWITCH = Flow("udp", "127.0.0.2", 5060, 0)
SOURCE = Flow("udp", "192.0.2.200", 5062, 0)
PHONES = Trunk("phones", "access", trust_identity=True)


def torture_message(name: str) -> bytes:
    """The bytes of one message of the RFC."""
    return (MESSAGES / f"{name}.dat").read_bytes()


class _Empty:
    """No subscribers and no scam list: the messages are about SIP, not about policy."""

    def find(self, number: str, at: float = 0.0, /) -> None:
        return None

    def find_user(self, user: str, /) -> None:
        return None


@dataclass
class TortureLab:
    """`hear` gives the core a datagram; `answers` went back towards its source, `forwarded` on to the softswitch."""

    max_transactions: int = 1000
    core: ProxyCore = field(init=False)
    answers: list[Response] = field(default_factory=list)
    forwarded: list[Request] = field(default_factory=list)
    strayed: list[Flow] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        snapshot = build_snapshot("CN", preset.load("default"), _Empty(), _Empty())
        settings = CoreSettings(
            LISTENERS, SWITCH, lambda *_: PHONES, max_transactions=self.max_transactions, trying_after=0.0
        )
        self.core = ProxyCore(settings, Policy(snapshot))

    def hear(self, data: bytes, source: Flow = SOURCE) -> None:
        """One datagram from `source`."""
        self.core.receive(data, source, self.now)
        self._sort_out()

    def wait(self, seconds: float) -> None:
        """Let time pass, with every timer that falls into it."""
        end = self.now + seconds
        while (due := self.core.next_timer()) <= end:
            self.now = max(self.now, due)
            self.core.run_timers(self.now)
            self._sort_out()
        self.now = end

    @property
    def final_statuses(self) -> list[int]:
        """The statuses answered, 100 Trying left out."""
        return [answer.status for answer in self.answers if answer.status != 100]

    def still_answers(self) -> bool:
        """A proxy that lives answers an OPTIONS of its own."""
        before = len(self.answers)
        self.hear(
            b"OPTIONS sip:127.0.0.1:5080 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.200:5062;branch=z9hG4bKprobe%d\r\n"
            b"From: <sip:probe@192.0.2.200>;tag=p\r\nTo: <sip:127.0.0.1:5080>\r\nCall-ID: probe%d\r\n"
            b"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n" % (before, before)
        )
        return [answer.status for answer in self.answers[before:]] == [200]

    def _sort_out(self) -> None:
        for flow, data in self.core.outbox:
            message = parse(data)  # whatever the proxy says has to be SIP
            if flow == SWITCH and isinstance(message, Request):
                self.forwarded.append(message)
            elif flow.host != SWITCH.host and isinstance(message, Response):
                self.answers.append(message)
            else:
                self.strayed.append(flow)
        self.core.outbox.clear()
