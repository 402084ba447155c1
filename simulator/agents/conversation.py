"""The part of a call that both of its sides share, once it is answered: requests within it, and what is due later."""

from __future__ import annotations

from collections.abc import Callable

from simulator.agents.endpoint import Endpoint, Incoming
from simulator.agents.leg import Leg, LegListener
from simulator.agents.scheduler import Timer

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


class Conversation(LegListener):
    """The common part of both sides of a call, once it is answered."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.leg: Leg | None = None
        self.pending: list[Timer] = []

    def later(self, seconds: float, now: float, action: Callable[[float], None]) -> None:
        """Do it then, unless the call ends before."""
        self.pending.append(self.endpoint.scheduler.at(now + seconds, action))

    def stop(self) -> None:
        """Nothing is to be done later any more."""
        for timer in self.pending:
            timer.cancel()

    def requested(self, leg: Leg, incoming: Incoming, now: float) -> None:
        """Agree to re-INVITE, UPDATE, INFO, OPTIONS and MESSAGE."""
        method = incoming.request.method
        if method == "INVITE" or (method == "UPDATE" and incoming.request.body):
            leg.answer(incoming, 200, now, headers=[SDP_TYPE], body=describe_audio(self.endpoint))
        elif method in ("UPDATE", "INFO", "OPTIONS", "MESSAGE"):
            leg.answer(incoming, 200, now)
        else:
            super().requested(leg, incoming, now)
