"""A proxy that watches its softswitch."""

from __future__ import annotations

from typing import Any, Self

from proxy.core.events import SoftswitchDown, SoftswitchUp
from proxy.core.probing import Probing
from proxy.core.proxy_core import ProxyCore
from proxy.core.settings import CoreSettings
from proxy.sip.flow import Flow
from proxy.sip.message import Request, Response, parse
from proxy.sip.shape import shape_of
from tests.plays.dialogue import ABROAD, LISTENERS, SWITCH, TRUNKS, Play, new_policy, request, taken

TCP_SWITCH = Flow("tcp", SWITCH.host, SWITCH.port, 1)
PROBING = Probing(interval=10.0, unanswered=1.0, timeout=2.0, retry=2.0)
FROZEN = 3.1  # seconds after which a request that a frozen switch does not answer has failed


class Watched(Play):
    """Keeps the probes apart from what calls are made of; the last one is `probe`."""

    probe: Request | None = None
    probes = 0
    invite = Request("", "", [], shape_of(()), b"")  # the last one that was forwarded

    def _sort(self) -> None:
        outbox = self.core.outbox
        for flow, data in [each for each in outbox if each[1].startswith(b"OPTIONS sip:127.0.0.9:5080")]:
            outbox.remove((flow, data))
            assert flow[:3] == self.core.settings.softswitch[:3]
            asked = parse(data)
            assert isinstance(asked, Request)
            self.probes += self.probe is None or asked.call_id != self.probe.call_id
            self.probe = asked

    def receive(self, data: bytes, flow: Flow = ABROAD) -> Self:
        self._sort()
        super().receive(data, flow)
        self._sort()
        return self

    def wait(self, seconds: float) -> Watched:
        super().wait(seconds)
        self._sort()
        return self

    def sends_nothing(self) -> Self:
        self._sort()
        super().sends_nothing()
        return self

    def calls(self, number: int, **how: Any) -> Self:
        """A call of its own reaches the switch."""
        self.asks("INVITE", number, **how).sends(100).sends("INVITE")
        self.invite = self.forwarded
        return self

    def asks(self, method: str, number: int, **how: Any) -> Self:
        return self.receive(request(method, branch=f"z9hG4bK-{number}", call_id=f"call-{number}", **how))

    def refused(self) -> Self:
        """A knock at its port is."""
        self.core.watch.refused(self.now)
        self._sort()
        return self

    def answers_probe(self, status: int = 200) -> Self:
        assert self.probe is not None
        return self.receive(bytes(self.probe.reply(status, to_tag="switch")), self.core.settings.softswitch)

    def freezes(self) -> Self:
        """It answers OPTIONS once, and then nothing: the next call finds that out."""
        self.wait(10.0).answers_probe().sends_nothing()
        self.calls(99).forget_sent()
        self.wait(FROZEN).forget_sent("INVITE").sends(503, ABROAD)
        return self.asks("ACK", 99, to_tag=self.last.to.tag).sends_nothing()

    @property
    def changes(self) -> list[tuple[str, str]]:
        changes = taken(self.core, SoftswitchDown | SoftswitchUp)  # type: ignore[arg-type]  # as isinstance has it
        down, up = "softswitch_down", "softswitch_up"
        return [(down, one.cause) if isinstance(one, SoftswitchDown) else (up, "") for one in changes]

    @property
    def finals(self) -> list[int]:
        """The statuses that callers got last."""
        sent = [parse(data) for _, data in self.core.outbox]
        self.core.outbox.clear()
        return [each.status for each in sent if isinstance(each, Response) and each.status >= 200]


def watching(probing: Probing | None = PROBING, switch: Flow = SWITCH) -> Watched:
    settings = CoreSettings(LISTENERS, switch, TRUNKS.find, trying_after=0.0, probing=probing)
    on = Watched(ProxyCore(settings, new_policy(), b"secret" * 4), 1000.0)
    on.core.watch.start(on.now)
    return on


def heard_of(switch: Flow = SWITCH) -> Watched:
    """The switch has said something of itself."""
    on = watching(switch=switch)
    return on.receive(request("OPTIONS", switch, uri="sip:127.0.0.1"), switch).sends(200, switch)
