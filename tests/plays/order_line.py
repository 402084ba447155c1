"""A subscriber's line to the proxy, over which they order changes to their profile."""

from __future__ import annotations

from typing import Literal

from proxy.core.events import Event
from proxy.core.proxy_core import ProxyCore
from proxy.core.questions import Ask, Save
from proxy.core.settings import CoreSettings
from proxy.policy.engine import Policy
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.trunks import SourceMatch, Trunk, TrunkTable
from proxy.presets import preset
from proxy.presets.preset import build_snapshot
from proxy.self_service.control import SelfService
from proxy.self_service.desk import ServiceDesk
from proxy.self_service.notices import RefusedCallNotices
from proxy.sip.flow import Flow
from proxy.sip.message import Request
from proxy.subscribers.changes import Change, ChangedDirectory, Overlay
from proxy.subscribers.directory import Directory
from tests.plays.dialogue import ABROAD, DAUGHTER, LISTENERS, PHONE, SWITCH, TRUNKS, Nobody, Play, request, taken

ALICE, BOB, CAROL = "+8613800138001", "+8613800138002", "+8613800138003"
PEOPLE = Directory(
    [
        Subscriber(ALICE, "alice", "s3cret", pin="2580"),
        Subscriber(BOB, "bob"),
        Subscriber(CAROL, barring=Barring(incoming_international=True), notify=True),
    ]
)
DOMESTIC = PHONE._replace(host="127.0.2.1")


def start(auth: Literal["none", "digest"] = "none", rules: str = "cn") -> Line:
    overlay, rule_set = Overlay(), preset.load(rules)
    trunks = TrunkTable(
        [
            (Trunk("domestic", "domestic", True), [SourceMatch.parse("127.0.2.0/24")]),
            (Trunk("phones", "access", auth=auth), [SourceMatch.parse("127.0.0.64/26")]),
        ]
    )
    desk = ServiceDesk(SelfService(rule_set.vocabulary, 86400.0), overlay, RefusedCallNotices(2), "ringfence.example")
    policy = Policy(build_snapshot("CN", rule_set, ChangedDirectory(PEOPLE, overlay), Nobody()))
    settings = CoreSettings(
        LISTENERS, SWITCH, lambda host, port: trunks.find(host, port) or TRUNKS.find(host, port), trying_after=0.0
    )
    return Line(ProxyCore(settings, policy, desk=desk), 1000.0)


class Line(Play):
    """A dialogue with a proxy whose questions are answered at once by `disk`; while that is None, they wait."""

    def __init__(self, core: ProxyCore, now: float) -> None:
        super().__init__(core, now)
        self.disk: bool | None = True
        self.saved: list[Change] = []

    def receive(self, data: bytes, flow: Flow = ABROAD) -> Line:
        super().receive(data, flow)
        return self.save()

    def save(self) -> Line:
        """Save what waits for it, or say that it cannot be saved."""
        told: list[Event] = []  # set aside, or each order would be looked for among all that came before
        while self.disk is not None and (asks := taken(self.core, Ask)):
            told += self.core.outputs
            self.core.outputs.clear()
            for ask in asks:
                assert isinstance(ask.question, Save)
                self.saved += ask.question.changes if self.disk else ()
                self.core.resolved(ask, self.disk, self.now)
        self.core.outputs[:0] = told
        return self


def sent(method: str, by: str, to: str, body: str = "", flow: Flow = PHONE, n: int = 1, given: str = "") -> bytes:
    more = [("Proxy-Authorization", given)] if given else []
    message = request(method, PHONE, to=to, branch=f"z9hG4bK-{n}", call_id=f"call-{n}", more=more, body=body.encode())
    here, caller = flow.host.encode(), f"<sip:{by}@".encode()
    return message.replace(b"127.0.0.77", here).replace(f"<sip:{DAUGHTER}@".encode(), caller)


def text_of(on: Play, number: str, service: str = "10086") -> str:
    """The text that the proxy sent by itself, checked for who it is from and to."""
    on.sends("MESSAGE", SWITCH)
    assert isinstance(on.last, Request)
    assert on.last.uri == f"sip:{number}@ringfence.example"
    assert on.last.from_.uri == f"sip:{service}@ringfence.example"
    assert on.last.header("content-type") == "text/plain;charset=UTF-8"
    return on.last.body.decode()


def changes(on: Line) -> list[Change]:
    """The changes saved since the last look."""
    found, on.saved = on.saved, []
    return found


def rings(on: Play, to: str = ALICE, n: int = 90) -> bool:
    """True if a call from abroad goes on to the switch."""
    on.receive(request("INVITE", ABROAD, to=to, branch=f"z9hG4bK-{n}", call_id=f"call-{n}"))
    first = on.core.outbox[0][1]
    on.forget_sent()
    return not first.startswith(b"SIP/2.0 603")
