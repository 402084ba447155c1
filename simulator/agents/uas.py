"""User agent servers: the phones behind a wire endpoint, and the calls and texts that they take. Sans-IO."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from proxy.sip.errors import SipError
from proxy.sip.message import Request
from proxy.sip.uri import SipUri, TelUri, parse_uri
from simulator.agents.conversation import SDP_TYPE, Conversation
from simulator.agents.endpoint import ALLOW, Endpoint, Headers, Incoming
from simulator.agents.leg import Leg
from simulator.agents.listening import NOBODY, CallListener, PhoneListener, Sound
from simulator.agents.orders import ANSWER, CALL_HEADER, Behaviour, IncomingCall
from simulator.media.sdp import NotAcceptable


class UasCall(Conversation):
    """A call to one of our phones. It does what its behaviour says, or what it is told to before."""

    record: IncomingCall

    def __init__(
        self,
        endpoint: Endpoint,
        incoming: Incoming,
        taken: IncomingCall,
        behaviour: Behaviour,
        now: float,
        *,
        sound: Sound | None = None,
        listener: CallListener = NOBODY,
        ringing_headers: Headers = (),
    ) -> None:
        super().__init__(endpoint, sound, listener)
        self.record = taken
        self._behaviour = behaviour
        self._incoming = incoming
        self.leg = Leg.take(endpoint, self, incoming, contact=taken.number)
        if behaviour.rings:
            self.leg.respond(180, now, headers=ringing_headers)
            listener.rings(self, now)
        if behaviour.status is not None:
            if behaviour.after > 0:
                self.later(behaviour.after, now, self._decide)
            else:
                self._decide(now)

    def _decide(self, now: float) -> None:
        if self._behaviour.status is not None:
            self.respond(self._behaviour.status, now)

    def respond(self, status: int, now: float) -> None:
        """Answer, or refuse; nothing where that was done. A caller who offers nothing to talk by gets 488."""
        leg = self.leg
        if leg is None or not leg.ringing:
            return
        body, offer = b"", self._incoming.request.body
        if status < 300:
            try:
                body = self.sound.answer(offer) if offer else self.sound.offer()
            except NotAcceptable:
                status = 488
        self._note_status(status)
        stamp = partial(setattr, self.record, "final_sent")
        if status < 300:
            leg.respond(status, now, headers=[SDP_TYPE], body=body, stamp=stamp)
            self.listener.established(self, now)
        else:
            leg.respond(status, now, stamp=stamp)
            self.stop(now)

    def _note_status(self, status: int) -> None:
        self.record.status = status
        self.record.retransmissions = self._incoming.repetitions

    def hang_up(self, now: float) -> None:
        """BYE; a call that still rings is declined (603)."""
        if self.leg is None or self.leg.over:
            return
        if self.leg.ringing:
            self.respond(603, now)
        else:
            self.leg.hang_up(now, stamp=partial(setattr, self.record, "bye_sent"))
            self.stop(now)

    def acknowledged(self, _leg: Leg, request: Request, now: float) -> None:
        if request.body:
            try:
                self.sound.take_answer(request.body)
            except NotAcceptable:
                self.hang_up(now)
                return
        if self.record.acknowledged is None:
            self.record.acknowledged = now
            if self._behaviour.talk is not None:
                self.later(self._behaviour.talk, now, self.hang_up)

    def cancelled(self, _leg: Leg, _request: Request, now: float) -> None:
        self._note_status(487)
        self.record.cancelled = now
        self.stop(now)

    def hung_up(self, _leg: Leg, _request: Request, now: float) -> None:
        self.record.bye_received = now
        self.stop(now)

    def unacknowledged(self, _leg: Leg, now: float) -> None:
        self.stop(now)


class Phones:
    """Takes the calls and texts that come to an endpoint; `taken` has them by the caller side's Call-ID.

    `number_of` turns the user part of the Request-URI into the number of one of our phones, or None: 404.
    What a phone does is told for a call (`for_call`), else for its number (`for_number`), else `otherwise`; its owner,
    one of `owners` by number or else that of all `others`, may decide otherwise. Where nobody owns it, no header and no
    body is kept of calls for whose Call-ID `keeps_text` is False: a campaign has many.
    """

    def __init__(self, endpoint: Endpoint, number_of: Callable[[str], str | None]) -> None:
        self.taken: dict[str, list[IncomingCall]] = {}
        self.for_call: dict[str, Behaviour] = {}
        self.for_number: dict[str, Behaviour] = {}
        self.otherwise = ANSWER
        self.owners: dict[str, PhoneListener] = {}
        self.keeps_text: Callable[[str], bool] = lambda _: True
        self.others: PhoneListener | None = None
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
        number = self._number_of(user_part(request.uri))
        if number is None:
            incoming.reply(404, now)
            return
        owner = self.owners.get(number, self.others)
        call = request.header(CALL_HEADER.lower()) or request.call_id
        taken = IncomingCall(call, number, "INVITE" if method == "INVITE" else "MESSAGE", now)
        if owner is not None or self.keeps_text(call):
            taken.from_ = request.header("from") or ""
            taken.head, taken.body = "\r\n".join(request.lines), request.body
        self.taken.setdefault(call, []).append(taken)
        if method == "MESSAGE":
            taken.status = 200
            incoming.reply(200, now, stamp=partial(setattr, taken, "final_sent"))
            if owner is not None:
                owner.got_text(taken, now)
            return
        behaviour = self.for_call.get(taken.call) or self.for_number.get(number) or self.otherwise
        if owner is None:
            UasCall(self._endpoint, incoming, taken, behaviour, now)
        else:
            behaviour, sound = owner.takes(taken, behaviour)
            UasCall(self._endpoint, incoming, taken, behaviour, now, sound=sound, listener=owner)


def user_part(uri: str) -> str:
    """The user part of a SIP URI, the number of a tel URI, or an emergency service; empty where there is none."""
    try:
        parsed = parse_uri(uri)
    except SipError:
        return ""
    if isinstance(parsed, SipUri):
        return parsed.user or ""
    return parsed.number if isinstance(parsed, TelUri) else parsed.service
