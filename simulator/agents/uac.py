"""User agent clients: a call and a text of ours on a wire endpoint (RFC 3261 8.1, 13.2; RFC 3428). Sans-IO."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from proxy.sip.message import Request, Response
from simulator.addresses import Address
from simulator.agents.conversation import SDP_TYPE, Conversation
from simulator.agents.digest import answer_challenge
from simulator.agents.endpoint import Endpoint, Headers
from simulator.agents.leg import Leg
from simulator.agents.listening import NOBODY, CallListener, Sound
from simulator.agents.orders import Order, OutgoingCall
from simulator.media.sdp import NotAcceptable

_CHALLENGES = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}


class Host(Protocol):
    """The owner of a call or text, as that needs it."""

    @property
    def endpoint(self) -> Endpoint:
        """The address that it sends from."""

    def call_ended(self, placed: OutgoingCall) -> None:
        """Nothing more will happen to this call or text of ours."""


class UacCall(Conversation):
    """A call of ours."""

    record: OutgoingCall

    def __init__(
        self,
        host: Host,
        order: Order,
        next_hop: Address,
        now: float,
        *,
        sound: Sound | None = None,
        listener: CallListener = NOBODY,
    ) -> None:
        super().__init__(host.endpoint, sound, listener)
        self.record = OutgoingCall(order)
        self._host = host
        self._next_hop = next_hop
        listener.placed(self, now)
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
            headers=[*order.identity_headers, *extra, SDP_TYPE],
            body=self.sound.offer(),
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
        if response.body:
            self._hear(response)
        if response.status == 100:
            record.trying = record.trying or now
        elif response.status in (180, 181, 182, 183) and record.ringing is None:
            record.ringing = now
            self.listener.rings(self, now)
            if record.order.cancel_after is not None:
                self.later(record.order.cancel_after, now, self.hang_up)

    def answered(self, leg: Leg, response: Response, now: float) -> None:
        self._note_final(leg, response, now)
        leg.acknowledge(now, stamp=partial(setattr, self.record, "ack_sent"))
        if not self._hear(response):
            self.hang_up(now)
            return
        self.listener.established(self, now)
        if self.record.cancel_sent is None and self.record.order.talk is not None:
            self.later(self.record.order.talk, now, self.hang_up)

    def _hear(self, response: Response) -> bool:
        """Take the other side's description, early media (183) included; False where nothing can be said by it."""
        try:
            self.sound.take_answer(response.body)
        except NotAcceptable:
            return False
        return True

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
        if self.record.ended is None:
            self.record.ended = now
            self.stop(now)
            self._host.call_ended(self.record)


class UacText:
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
