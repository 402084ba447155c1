"""One side of a call: an INVITE transaction, the dialog it makes (RFC 3261 12, 13), and who is told about it.

A leg is told what to do (`respond`, `acknowledge`, `hang_up`, ...) and tells its listener what happened (`answered`,
`refused`, `hung_up`, ...). A command that no longer applies does nothing.
"""

from __future__ import annotations

from functools import partial
from math import log2

from proxy.sip.message import Request, Response
from proxy.sip.transaction import T1, ClientTransaction
from simulator.addresses import Address
from simulator.agents.dialog import Dialog
from simulator.agents.endpoint import ALLOW, Endpoint, Headers, Incoming, OnResponse, Stamp
from simulator.agents.invite import Acknowledgements, PendingCancel, RepeatedAnswer

_REFRESHES_TARGET = frozenset({"INVITE", "UPDATE"})


class LegListener:
    """A listener to the legs of a call. A subclass overrides what it reacts to."""

    def progressed(self, leg: Leg, response: Response, now: float, /) -> None:
        """A provisional response, 100 included, to our INVITE."""

    def answered(self, leg: Leg, response: Response, now: float, /) -> None:
        """A 2xx to our INVITE: `leg.acknowledge` it."""

    def refused(self, leg: Leg, response: Response, now: float, /) -> None:
        """Another final response to our INVITE. The leg is over."""

    def unanswered(self, leg: Leg, now: float, /) -> None:
        """Nobody answered our INVITE, or BYE at last. The leg is over."""

    def cancelled(self, leg: Leg, request: Request, now: float, /) -> None:
        """The INVITE to us was cancelled, and answered with 487. The leg is over."""

    def acknowledged(self, leg: Leg, request: Request, now: float, /) -> None:
        """The ACK to our 2xx came."""

    def unacknowledged(self, leg: Leg, now: float, /) -> None:
        """No ACK came within 32 s (RFC 3261 13.3.1.4); the leg said BYE."""

    def hung_up(self, leg: Leg, request: Request, now: float, /) -> None:
        """A BYE came and was answered. The leg is over."""

    def released(self, leg: Leg, now: float, /) -> None:
        """Our BYE was answered."""

    def requested(self, leg: Leg, incoming: Incoming, now: float, /) -> None:
        """Any other request within the dialog: `leg.answer` it."""
        leg.answer(incoming, 405, now, headers=[("Allow", ALLOW)])


class Leg:
    """One side of one call; made by `call` or `take`."""

    def __init__(self, endpoint: Endpoint, listener: LegListener, call_id: str, tag: str, *, contact: str) -> None:
        self.endpoint = endpoint
        self.listener = listener
        self.call_id = call_id
        self.tag = tag
        self.contact = f"<sip:{contact}@{endpoint.authority}>" if contact else f"<sip:{endpoint.authority}>"
        self.dialog: Dialog | None = None
        self.over = False
        self.cseq = 1  # of our latest request
        self._incoming: Incoming | None = None
        self._outgoing: ClientTransaction | None = None
        self._cancel: PendingCancel | None = None
        self._acks = Acknowledgements(endpoint)
        self._unacknowledged: RepeatedAnswer | None = None
        endpoint.legs[call_id, tag] = self

    @property
    def ringing(self) -> bool:
        """No final response yet."""
        return not self.over and self.dialog is None

    @property
    def repetitions(self) -> int:
        """Count how often our INVITE was sent again: timer A doubles its interval each time (RFC 3261 17.1.1.2)."""
        return round(log2(self._outgoing.interval / T1)) if self._outgoing is not None else 0

    # --- placing

    @classmethod
    def call(
        cls,
        endpoint: Endpoint,
        listener: LegListener,
        uri: str,
        *,
        call_id: str,
        from_: str,
        to: str,
        next_hop: Address,
        now: float,
        contact: str = "",
        headers: Headers = (),
        body: bytes = b"",
        cseq: int = 1,
        tag: str | None = None,
        stamp: Stamp | None = None,
    ) -> Leg:
        """Send an INVITE. `from_` and `to` are name-addr without a tag; `headers` carry Content-Type and Route.
        `cseq` and `tag` are those of a challenged attempt and the next one (RFC 3261 8.1.3.5)."""
        leg = cls(endpoint, listener, call_id, tag or endpoint.new_tag(), contact=contact)
        leg.cseq = cseq
        dialog = Dialog(call_id, f"{from_};tag={leg.tag}", to, None, uri, (), next_hop)
        headers = [("Contact", leg.contact), ("Allow", ALLOW), *headers]
        invite = dialog.request("INVITE", cseq, headers, body)
        leg._outgoing = endpoint.request(invite, next_hop, partial(leg._called, dialog), now, stamp)
        leg._cancel = PendingCancel(endpoint, invite, leg._outgoing, leg._stop_waiting)
        return leg

    def _called(self, dialog: Dialog, response: Response | None, now: float) -> None:
        """A response to the first INVITE."""
        if self.over and self.dialog is None:
            return
        if response is None:
            self._stop_waiting(now)
        elif response.status < 200:
            if self._cancel is not None:
                self._cancel.send_where_wanted(now)
            self.listener.progressed(self, response, now)
        elif response.status >= 300:
            self._end(now)
            self.listener.refused(self, response, now)
        elif self.dialog is not None:
            self._acks.send_again(response)
        else:
            dialog.confirm(response)
            self.dialog = dialog
            self._acks.owed = self.cseq
            self.listener.answered(self, response, now)
            cancel, self._cancel = self._cancel, None
            if cancel is not None and cancel.wanted:  # the answer crossed our CANCEL (RFC 3261 15)
                self.bye(now)

    def acknowledge(self, _now: float, *, headers: Headers = (), body: bytes = b"", stamp: Stamp | None = None) -> None:
        """Send the ACK to the latest 2xx to an INVITE of ours."""
        if self.dialog is not None:
            self._acks.send(self.dialog, headers, body, stamp)

    def _stop_waiting(self, now: float) -> None:
        if self.ringing:
            self._end(now)
            self.listener.unanswered(self, now)

    # --- taking

    @classmethod
    def take(cls, endpoint: Endpoint, listener: LegListener, incoming: Incoming, *, contact: str = "") -> Leg:
        """Take part in the call that an INVITE to us asks for."""
        leg = cls(endpoint, listener, incoming.request.call_id, endpoint.new_tag(), contact=contact)
        leg._incoming = incoming
        incoming.leg = leg
        return leg

    def respond(
        self,
        status: int,
        now: float,
        *,
        reason: str | None = None,
        headers: Headers = (),
        body: bytes = b"",
        stamp: Stamp | None = None,
    ) -> None:
        """Answer the INVITE that made this leg; a 2xx makes the dialog and is repeated until its ACK."""
        incoming = self._incoming
        if incoming is None or not self.ringing:
            return
        request = incoming.request
        if 100 < status < 300:
            routes = [("Record-Route", value) for value in request.headers("record-route")]
            headers = [*routes, ("Contact", self.contact), ("Allow", ALLOW), *headers]
        if 200 <= status < 300:
            self.dialog = Dialog.as_callee(request, self.tag, incoming.source)
        data = incoming.reply(status, now, reason=reason, headers=headers, body=body, to_tag=self.tag, stamp=stamp)
        if status >= 300:
            self._end(now)
        elif status >= 200:
            self._unacknowledged = RepeatedAnswer(self.endpoint, incoming, data, now, self._not_acknowledged)

    def _not_acknowledged(self, now: float) -> None:
        self._unacknowledged = None
        self.bye(now)
        self.listener.unacknowledged(self, now)

    def receive_cancel(self, request: Request, now: float) -> None:
        """CANCEL came for the INVITE that made this leg; too late does not matter (RFC 3261 9.2)."""
        if self.ringing:
            self.respond(487, now)
            self.listener.cancelled(self, request, now)

    def receive_ack(self, request: Request, now: float) -> None:
        """ACK came for a 2xx of ours."""
        if (answer := self._unacknowledged) is not None and answer.is_acknowledged_by(request):
            self._unacknowledged = None
            answer.stop()
            self.listener.acknowledged(self, request, now)

    # --- within the dialog

    def receive(self, incoming: Incoming, now: float) -> None:
        """A request within the dialog."""
        request, dialog = incoming.request, self.dialog
        if request.method == "BYE" and dialog is None and self._incoming is not None:
            incoming.reply(200, now)  # the caller ends an early dialog (RFC 3261 15)
            self.receive_cancel(request, now)
        elif dialog is None or (refusal := dialog.take(request)):
            incoming.reply(481 if dialog is None else refusal, now)
        elif request.method == "BYE":
            incoming.reply(200, now)
            if not self.over:
                self._end(now)
                self.listener.hung_up(self, request, now)
        elif request.method == "INVITE" and (self._acks.owed or self._unacknowledged):
            incoming.reply(491, now)
        else:
            if request.method in _REFRESHES_TARGET:
                dialog.refresh_target(request)
            self.listener.requested(self, incoming, now)

    def answer(self, incoming: Incoming, status: int, now: float, *, headers: Headers = (), body: bytes = b"") -> None:
        """Answer a request that came within the dialog."""
        if 100 < status < 300 and incoming.request.method in _REFRESHES_TARGET:
            headers = [("Contact", self.contact), ("Allow", ALLOW), *headers]
        data = incoming.reply(status, now, headers=headers, body=body)
        if data and incoming.request.method == "INVITE" and 200 <= status < 300:
            self._unacknowledged = RepeatedAnswer(self.endpoint, incoming, data, now, self._not_acknowledged)

    def request(
        self,
        method: str,
        now: float,
        on_response: OnResponse,
        *,
        headers: Headers = (),
        body: bytes = b"",
        stamp: Stamp | None = None,
    ) -> None:
        """Send a request; `on_response` hears the final response. A 2xx to an INVITE wants an `acknowledge`."""
        dialog = self.dialog
        if dialog is None or self.over:
            return
        self.cseq = number = self.cseq + 1
        if method in _REFRESHES_TARGET:
            headers = [("Contact", self.contact), ("Allow", ALLOW), *headers]

        def received(response: Response | None, now: float) -> None:
            if response is not None and response.status < 200:
                return
            if response is not None and response.status < 300 and method in _REFRESHES_TARGET:
                if self._acks.send_again(response):
                    return
                dialog.refresh_target(response)
                if method == "INVITE":
                    self._acks.owed = number
            on_response(response, now)

        self.endpoint.request(dialog.request(method, number, headers, body), dialog.next_hop, received, now, stamp)

    def bye(self, now: float, *, headers: Headers = (), stamp: Stamp | None = None) -> None:
        """Say BYE, after the ACK that is still owed."""
        if self.dialog is None or self.over:
            return
        self.acknowledge(now)

        def received(response: Response | None, now: float) -> None:
            self.endpoint.legs.pop((self.call_id, self.tag), None)
            if response is None:
                self.listener.unanswered(self, now)
            else:
                self.listener.released(self, now)

        self.request("BYE", now, received, headers=headers, stamp=stamp)
        self._end(now, keep_dialog=True)

    def hang_up(self, now: float, *, headers: Headers = (), stamp: Stamp | None = None) -> None:
        """End the call as its state asks: BYE, CANCEL, or a refusal. A CANCEL takes the Reason of the headers along."""
        if self.dialog is not None:
            self.bye(now, headers=headers, stamp=stamp)
        elif self._incoming is not None:
            self.respond(480, now)
        elif self._cancel is not None and not self.over:
            self._cancel.want(headers, now)

    def _end(self, now: float, *, keep_dialog: bool = False) -> None:
        self.over = True
        self.endpoint.scheduler.at(now + T1, self._let_go)
        if self._unacknowledged is not None:
            self._unacknowledged.stop()
        if not keep_dialog:
            self.endpoint.legs.pop((self.call_id, self.tag), None)

    def _let_go(self, now: float) -> None:
        """Leave no cycle, nor what a call holds, to the half minute of transactions, or to garbage collection."""
        if self.endpoint.legs.get((self.call_id, self.tag)) is self:  # a BYE of ours is to be answered yet
            self.endpoint.scheduler.at(now + T1, self._let_go)
        else:
            self.listener = _NOBODY
            self._incoming = self._unacknowledged = self._cancel = None


_NOBODY = LegListener()
