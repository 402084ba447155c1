"""A call side that the switch itself hears and speaks to, and what every call with such sides has in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proxy.sip.message import Message, Request, Response
from simulator.agents.endpoint import Headers, Incoming
from simulator.agents.leg import Leg, LegListener
from simulator.agents.scheduler import Timer
from simulator.media.ports import Done, Media, Port
from simulator.media.recordings import recording_path
from simulator.media.sdp import Negotiation, NotAcceptable
from simulator.softswitch.embedded.passthrough import Exchange, passed_on

_SDP = "application/sdp"


class MediaLeg:
    """A leg and its sound. What is played to it or heard from it goes by `port`."""

    def __init__(self, port: Port) -> None:
        self.leg: Leg
        self.port = port
        self._session = Negotiation(port.address)
        self._offered = False  # our offer waits for its answer

    @property
    def agreed(self) -> bool:
        """True if the other side's end is known."""
        return self._session.stream is not None

    def offer(self) -> bytes:
        """An offer to send; `take_answer` is due next."""
        self._offered = True
        return self._session.offer()

    def describe(self, message: Message) -> bytes:
        """The description for a 2xx or 183 to this request: an answer to its offer, or else our own offer.

        Raises NotAcceptable.
        """
        offer = _description(message)
        if offer is None:
            return self.offer()
        answer = self._session.answer(offer)
        self._direct()
        return answer

    def take_answer(self, message: Message) -> None:
        """The answer to our offer, in a 2xx or an ACK. Raises NotAcceptable where it is missing or useless."""
        if self._offered:
            self._offered = False
            self._session.take_answer(_description(message) or b"")
            self._direct()

    def _direct(self) -> None:
        if self._session.stream is not None:
            self.port.direct(self._session.stream)


def _description(message: Message) -> bytes | None:
    kind = (message.header("content-type") or "").partition(";")[0].strip().lower()
    if not message.body:
        return None
    if kind != _SDP:
        raise NotAcceptable(f"a body of type {kind[:60]}")
    return message.body


def with_sdp(headers: Headers = ()) -> list[tuple[str, str]]:
    """These headers, and what the body is."""
    return [*headers, ("Content-Type", _SDP)]


@dataclass(frozen=True, slots=True)
class Studio:
    """The means that services work with. `prompt` finds a prompt's WAV file, or raises LookupError; recordings go to
    `folder`, where there is one."""

    media: Media
    prompt: Callable[[str], Path]
    folder: Path | None = None


class Service(LegListener):
    """A call that the switch itself takes part in. Whatever ends it, `end` gives everything back."""

    def __init__(self, switch: Exchange, studio: Studio, incoming: Incoming, argument: str) -> None:
        """Raises LookupError where the argument names nothing, and OSError where there is no port left."""
        self.switch = switch
        self.studio = studio
        self.request = incoming.request
        self.read(argument)
        self._media_legs: list[MediaLeg] = []
        self._pending: list[Timer] = []
        self._body = b""
        self._established = False
        self.over = False
        self.near = self.open_media_leg()
        self.near.leg = Leg.take(switch.endpoint, self, incoming)

    def start(self, now: float) -> None:
        """Take the call, or refuse it with 488 where the caller offers nothing that we can talk by."""
        try:
            self._body = self.near.describe(self.request)
        except NotAcceptable:
            self.refuse(488, now)
        else:
            self.started(now)

    # --- for a service to say

    def read(self, argument: str) -> None:
        """Take what stands behind the service's name. Raises LookupError."""

    def started(self, now: float, /) -> None:
        """The call may be answered."""
        self.respond(200, now)

    def established(self, now: float, /) -> None:
        """The caller has acknowledged our answer."""

    # --- for a service to use

    def open_media_leg(self) -> MediaLeg:
        """A side with a port; its leg is to be set at once. Raises OSError."""
        media_leg = MediaLeg(self.studio.media.open())
        self._media_legs.append(media_leg)
        return media_leg

    def respond(self, status: int, now: float, headers: Headers = ()) -> None:
        """Answer the caller, with our description."""
        self.near.leg.respond(status, now, headers=with_sdp(headers), body=self._body)

    def refuse(self, status: int, now: float) -> None:
        """A final refusal, and the end."""
        self.near.leg.respond(status, now)
        self.end(now)

    def record(self, service: str, most: float) -> None:
        """Record the caller for so many seconds at most."""
        if self.studio.folder is not None:
            self.near.port.record(recording_path(self.studio.folder, service, self.request.call_id), most)

    def later(self, seconds: float, now: float, action: Done) -> Timer:
        """Do it then, unless the call ends before."""
        timer = self.switch.endpoint.scheduler.at(now + seconds, action)
        self._pending.append(timer)
        return timer

    def end(self, now: float, *, headers: Headers = ()) -> None:
        """Hang up what is still up, and give everything back."""
        if self.over:
            return
        self.over = True
        for timer in self._pending:
            timer.cancel()
        for media_leg in self._media_legs:
            media_leg.port.close()
            media_leg.leg.hang_up(now, headers=headers)

    # --- what the legs say

    def _media_leg(self, leg: Leg) -> MediaLeg:
        return next(media_leg for media_leg in self._media_legs if media_leg.leg is leg)

    def acknowledged(self, leg: Leg, request: Request, now: float) -> None:
        if self.over:
            return
        try:
            self._media_leg(leg).take_answer(request)
        except NotAcceptable:
            self.end(now)
            return
        if leg is self.near.leg and not self._established:
            self._established = True
            self.established(now)

    def cancelled(self, _leg: Leg, _request: Request, now: float) -> None:
        self.end(now)

    def hung_up(self, _leg: Leg, request: Request, now: float) -> None:
        self.end(now, headers=passed_on(request, body=False))

    def unacknowledged(self, _leg: Leg, now: float) -> None:
        self.end(now)

    def unanswered(self, _leg: Leg, now: float) -> None:
        self.end(now)

    def refused(self, _leg: Leg, _response: Response, now: float) -> None:
        self.end(now)

    def requested(self, leg: Leg, incoming: Incoming, now: float) -> None:
        """Hold, resume and move: each side agrees with the switch about its own sound (RFC 3264 8)."""
        request = incoming.request
        if request.method in ("OPTIONS", "INFO") or (request.method == "UPDATE" and not request.body):
            leg.answer(incoming, 200, now)
        elif request.method in ("INVITE", "UPDATE"):
            try:
                body = self._media_leg(leg).describe(request)
            except NotAcceptable:
                leg.answer(incoming, 488, now)
            else:
                leg.answer(incoming, 200, now, headers=with_sdp(), body=body)
        else:
            super().requested(leg, incoming, now)
