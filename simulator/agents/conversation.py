"""The part of a call that both of its sides share, once it is answered: requests within it, and what is due later."""

from __future__ import annotations

from collections.abc import Callable

from simulator.agents.endpoint import Endpoint, Incoming
from simulator.agents.leg import Leg, LegListener
from simulator.agents.listening import NOBODY, CallListener, Sound
from simulator.agents.orders import IncomingCall, OutgoingCall
from simulator.agents.scheduler import Timer
from simulator.media.sdp import NotAcceptable

SDP_TYPE = ("Content-Type", "application/sdp")


def describe_audio(endpoint: Endpoint) -> bytes:
    """An SDP offer or answer for one G.711 stream that nobody will send (port 9, discard)."""
    host = endpoint.address[0]
    family = "IP6" if ":" in host else "IP4"
    lines = (
        "v=0",
        f"o=- 1 1 IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        "m=audio 9 RTP/AVP 0 8",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=sendrecv",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


class Silent:
    """The sound of a call in which nobody speaks: it is described, and never sent."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def offer(self) -> bytes:
        """An offer, always the same."""
        return describe_audio(self._endpoint)

    def answer(self, _offer: bytes) -> bytes:
        """An answer, whatever is offered."""
        return describe_audio(self._endpoint)

    def take_answer(self, _answer: bytes) -> None:
        """Any answer will do."""

    def close(self) -> None:
        """Nothing is to be given back."""


class Conversation(LegListener):
    """The common part of both sides of a call, once it is answered. Commands are given between two messages."""

    record: IncomingCall | OutgoingCall

    def __init__(self, endpoint: Endpoint, sound: Sound | None = None, listener: CallListener = NOBODY) -> None:
        self.endpoint = endpoint
        self.sound = sound or Silent(endpoint)
        self.listener = listener
        self.leg: Leg | None = None
        self.pending: list[Timer] = []
        self._over = False

    def hang_up(self, now: float) -> None:
        """End the call, whatever its state."""
        raise NotImplementedError

    def inform(self, body: bytes, kind: str, now: float) -> None:
        """Send an INFO with this body within the call (RFC 6086)."""
        if self.leg is not None:
            self.leg.request("INFO", now, lambda *_: None, headers=[("Content-Type", kind)], body=body)

    def later(self, seconds: float, now: float, action: Callable[[float], None]) -> None:
        """Do it then, unless the call ends before."""
        self.pending.append(self.endpoint.scheduler.at(now + seconds, action))

    def stop(self, now: float) -> None:
        """The call is over: nothing is to be done later any more."""
        for timer in self.pending:
            timer.cancel()
        if not self._over:
            self._over = True
            self.sound.close()
            self.listener.ended(self, now)
            self.listener = NOBODY

    def requested(self, leg: Leg, incoming: Incoming, now: float) -> None:
        """Agree to re-INVITE, UPDATE, INFO, OPTIONS and MESSAGE."""
        method = incoming.request.method
        if method == "INVITE" or (method == "UPDATE" and incoming.request.body):
            try:
                body = self.sound.answer(incoming.request.body) if incoming.request.body else self.sound.offer()
            except NotAcceptable:
                leg.answer(incoming, 488, now)
            else:
                leg.answer(incoming, 200, now, headers=[SDP_TYPE], body=body)
        elif method in ("UPDATE", "INFO", "OPTIONS", "MESSAGE"):
            leg.answer(incoming, 200, now)
        else:
            super().requested(leg, incoming, now)
