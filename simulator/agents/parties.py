"""The parties to calls on a wire endpoint: the caller that places them, and the phones that take them. Sans-IO."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from proxy.sip.errors import SipError
from proxy.sip.message import Request, Response
from proxy.sip.uri import SipUri, TelUri, parse_uri
from simulator.addresses import Address
from simulator.agents.digest import answer_challenge
from simulator.agents.endpoint import ALLOW, Endpoint, Headers, Incoming
from simulator.agents.leg import CallUser, Leg
from simulator.agents.orders import ANSWER, CALL_HEADER, Behaviour, IncomingCall, Order, OutgoingCall
from simulator.agents.scheduler import Timer

_CHALLENGES = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}
_SDP_TYPE = ("Content-Type", "application/sdp")


class Host(Protocol):
    """The owner of a party, as the party needs it."""

    @property
    def endpoint(self) -> Endpoint:
        """The address that it sends from."""

    def call_ended(self, placed: OutgoingCall) -> None:
        """Nothing more will happen to this call or text of ours."""


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


class Conversation(CallUser):
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
            leg.answer(incoming, 200, now, headers=[_SDP_TYPE], body=describe_audio(self.endpoint))
        elif method in ("UPDATE", "INFO", "OPTIONS", "MESSAGE"):
            leg.answer(incoming, 200, now)
        else:
            super().requested(leg, incoming, now)


class PlacedCall(Conversation):
    """A call of ours."""

    def __init__(self, host: Host, order: Order, next_hop: Address, now: float) -> None:
        super().__init__(host.endpoint)
        self.record = OutgoingCall(order)
        self._host = host
        self._next_hop = next_hop
        self._dial(now)
        self.later(order.patience, now, self.hang_up_unanswered)

    def _dial(self, now: float, extra: Headers = (), previous: Leg | None = None) -> None:
        order = self.record.order
        self.leg = Leg.call(
            self.endpoint,
            self,
            order.uri,
            call_id=order.call_id,
            from_=order.from_,
            to=f"<{order.uri}>",
            next_hop=self._next_hop,
            now=now,
            contact=order.contact,
            headers=[*order.identity_headers, *extra, _SDP_TYPE],
            body=describe_audio(self.endpoint),
            cseq=previous.cseq + 1 if previous else 1,
            tag=previous.tag if previous else None,
            stamp=None if previous else partial(setattr, self.record, "sent"),
        )

    def hang_up(self, now: float) -> None:
        """BYE or CANCEL."""
        if self.leg is not None:
            if self.leg.ringing:
                self.record.cancel_sent = now
            self.leg.hang_up(now, stamp=partial(setattr, self.record, "bye_sent"))

    def hang_up_unanswered(self, now: float) -> None:
        """Patience is over."""
        if self.record.final is None:
            self.hang_up(now)

    def progressed(self, _leg: Leg, response: Response, now: float) -> None:
        record = self.record
        if response.status == 100:
            record.trying = record.trying or now
        elif response.status in (180, 181, 182, 183) and record.ringing is None:
            record.ringing = now
            if record.order.cancel_after is not None:
                self.later(record.order.cancel_after, now, self.hang_up)

    def answered(self, leg: Leg, response: Response, now: float) -> None:
        self._note_final(leg, response, now)
        leg.acknowledge(now, stamp=partial(setattr, self.record, "ack_sent"))
        if self.record.cancel_sent is None and self.record.order.talk is not None:
            self.later(self.record.order.talk, now, self.hang_up)

    def refused(self, leg: Leg, response: Response, now: float) -> None:
        credentials = answer(self.record.order, "INVITE", response)
        if credentials is not None and leg.cseq == 1:
            self.record.retransmissions += leg.repetitions
            self._dial(now, [credentials], previous=leg)
        else:
            self._note_final(leg, response, now)
            self._end(now)

    def unanswered(self, leg: Leg, now: float) -> None:
        self.record.error = "no final answer" if self.record.final is None else "BYE not answered"
        if self.record.final is None:
            self.record.retransmissions += leg.repetitions
        self._end(now)

    def hung_up(self, _leg: Leg, _request: Request, now: float) -> None:
        self.record.bye_received = now
        self._end(now)

    def released(self, _leg: Leg, now: float) -> None:
        self._end(now)

    def _note_final(self, leg: Leg, response: Response, now: float) -> None:
        self.record.final, self.record.status, self.record.reason = now, response.status, response.reason
        if response.status >= 300:
            self.record.refusal_head = "\r\n".join(response.lines)
        self.record.retransmissions += leg.repetitions

    def _end(self, now: float) -> None:
        self.stop()
        if self.record.ended is None:
            self.record.ended = now
            self._host.call_ended(self.record)


class SentText:
    """A MESSAGE of ours (RFC 3428)."""

    def __init__(self, host: Host, order: Order, next_hop: Address, now: float) -> None:
        self.record = OutgoingCall(order)
        self._host = host
        self._next_hop = next_hop
        self._from = f"{order.from_};tag={host.endpoint.new_tag()}"
        self._send(1, now)

    def _send(self, cseq: int, now: float, extra: Headers = ()) -> None:
        order = self.record.order
        headers = [
            ("Max-Forwards", "70"),
            ("From", self._from),
            ("To", f"<{order.uri}>"),
            ("Call-ID", order.call_id),
            ("CSeq", f"{cseq} MESSAGE"),
            *order.identity_headers,
            *extra,
            ("Content-Type", "text/plain;charset=utf-8"),
        ]
        request = Request.build("MESSAGE", order.uri, headers, (order.text or "").encode())
        stamp = partial(setattr, self.record, "sent") if cseq == 1 else None
        self._host.endpoint.request(request, self._next_hop, partial(self._received, cseq), now, stamp)

    def _received(self, cseq: int, response: Response | None, now: float) -> None:
        record = self.record
        if response is None:
            record.error = "no final answer"
        elif response.status < 200:
            return
        else:
            credentials = answer(record.order, "MESSAGE", response)
            if credentials is not None and cseq == 1:
                self._send(2, now, [credentials])
                return
            record.final, record.status, record.reason = now, response.status, response.reason
            if response.status >= 300:
                record.refusal_head = "\r\n".join(response.lines)
        record.ended = now
        self._host.call_ended(record)


def answer(order: Order, method: str, response: Response) -> tuple[str, str] | None:
    """The header that answers a 401 or 407, where the order has credentials for it."""
    if order.credentials is None or response.status not in _CHALLENGES:
        return None
    asked, given = _CHALLENGES[response.status]
    user, password = order.credentials.user, order.credentials.password
    credentials = answer_challenge(response.headers(asked), method, order.uri, user, password)
    return (given, credentials) if credentials else None


class TakenCall(Conversation):
    """A call to one of our phones."""

    def __init__(
        self, endpoint: Endpoint, incoming: Incoming, taken: IncomingCall, behaviour: Behaviour, now: float
    ) -> None:
        super().__init__(endpoint)
        self.record = taken
        self._behaviour = behaviour
        self._incoming = incoming
        self.leg = Leg.take(endpoint, self, incoming, contact=taken.number)
        if behaviour.rings:
            self.leg.respond(180, now)
        if behaviour.status is not None:
            if behaviour.after > 0:
                self.later(behaviour.after, now, self._decide)
            else:
                self._decide(now)

    def _decide(self, now: float) -> None:
        status, leg = self._behaviour.status, self.leg
        if status is None or leg is None:
            return
        self._note_status(status)
        stamp = partial(setattr, self.record, "final_sent")
        if status < 300:
            leg.respond(status, now, headers=[_SDP_TYPE], body=describe_audio(self.endpoint), stamp=stamp)
        else:
            leg.respond(status, now, stamp=stamp)

    def _note_status(self, status: int) -> None:
        self.record.status = status
        self.record.retransmissions = self._incoming.repetitions

    def hang_up(self, now: float) -> None:
        """BYE."""
        if self.leg is not None:
            self.leg.hang_up(now, stamp=partial(setattr, self.record, "bye_sent"))

    def acknowledged(self, _leg: Leg, _request: Request, now: float) -> None:
        if self.record.acknowledged is None:
            self.record.acknowledged = now
            if self._behaviour.talk is not None:
                self.later(self._behaviour.talk, now, self.hang_up)

    def cancelled(self, _leg: Leg, _request: Request, now: float) -> None:
        self._note_status(487)
        self.record.cancelled = now
        self.stop()

    def hung_up(self, _leg: Leg, _request: Request, now: float) -> None:
        self.record.bye_received = now
        self.stop()


class Phones:
    """Takes the calls and texts that come to an endpoint; `taken` has them by the caller side's Call-ID.

    `number_of` turns the user part of the Request-URI into the number of one of our phones, or None: 404.
    What a phone does is told for a call (`for_call`), else for its number (`for_number`), else `otherwise`.
    """

    def __init__(self, endpoint: Endpoint, number_of: Callable[[str], str | None]) -> None:
        self.taken: dict[str, list[IncomingCall]] = {}
        self.for_call: dict[str, Behaviour] = {}
        self.for_number: dict[str, Behaviour] = {}
        self.otherwise = ANSWER
        self._endpoint = endpoint
        self._number_of = number_of

    def incoming(self, incoming: Incoming, now: float) -> None:
        """A request outside any dialog."""
        request = incoming.request
        method = request.method
        if method == "OPTIONS":
            incoming.reply(200, now, headers=[("Allow", ALLOW), ("Accept", "application/sdp, text/plain")])
            return
        if method not in ("INVITE", "MESSAGE"):
            incoming.reply(405, now, headers=[("Allow", ALLOW)])
            return
        number = self._number_of(user_of(request.uri))
        if number is None:
            incoming.reply(404, now)
            return
        taken = IncomingCall(
            call=request.header(CALL_HEADER.lower()) or request.call_id,
            number=number,
            method="INVITE" if method == "INVITE" else "MESSAGE",
            from_=request.header("from") or "",
            received=now,
            head="\r\n".join(request.lines),
            body=request.body,
        )
        self.taken.setdefault(taken.call, []).append(taken)
        if method == "MESSAGE":
            taken.status = 200
            incoming.reply(200, now, stamp=partial(setattr, taken, "final_sent"))
            return
        behaviour = self.for_call.get(taken.call) or self.for_number.get(number) or self.otherwise
        TakenCall(self._endpoint, incoming, taken, behaviour, now)


def user_of(uri: str) -> str:
    """The user part of a SIP URI, the number of a tel URI, or an emergency service; empty where there is none."""
    try:
        parsed = parse_uri(uri)
    except SipError:
        return ""
    if isinstance(parsed, SipUri):
        return parsed.user or ""
    return parsed.number if isinstance(parsed, TelUri) else parsed.service
