"""The responses that the proxy makes itself, in a transaction and without one."""

from __future__ import annotations

import secrets
from collections import Counter
from hashlib import blake2b
from typing import Final

from proxy.core.refusals import Refusals
from proxy.core.routing import note_source, response_flow
from proxy.sip.errors import BadRequest, SipError
from proxy.sip.flow import Flow
from proxy.sip.headers import Via
from proxy.sip.message import Request
from proxy.sip.transaction import ServerTransaction
from proxy.sip.transaction_layer import TransactionLayer

_STATELESS: Final = "rf0-"  # how the To tag of answers that left no transaction begins: their ACKs end here
_TAG_BYTES: Final = 8


class OwnResponses:
    """Makes them, counts those of refused requests in `counters`, and notes in `refusals` why. Processes with the same
    `key` know the ACKs to each other's answers."""

    def __init__(self, layer: TransactionLayer, counters: Counter[str], key: bytes, refusals: Refusals) -> None:
        self.refusals = refusals
        self._layer = layer
        self._counters = counters
        self._keyed = blake2b(key=key, digest_size=_TAG_BYTES)

    def new_tag(self) -> str:
        """A To tag that no other response has, and that nobody can guess: an ACK with it proves that ours came."""
        return secrets.token_hex(_TAG_BYTES)

    def acknowledges_us(self, ack: Request) -> bool:
        """True for the ACK to an answer that left no transaction. Raises BadRequest for a To that cannot be read."""
        return _STATELESS in ack.line("to") and ack.to.tag == self._stateless_tag(ack)

    def _stateless_tag(self, request: Request) -> str:
        """The To tag that a request gets each time it comes (RFC 3261 8.2.7); the ACK shows the same."""
        keyed = self._keyed.copy()
        keyed.update((request.header("call-id") or "").encode("utf-8", "surrogateescape"))
        return _STATELESS + keyed.hexdigest()

    def answer(self, server: ServerTransaction, request: Request, error: SipError, now: float) -> None:
        """Answer a request as an error says: in its transaction or, where the error is so, without state."""
        self._counters[f"answered_{error.code}"] += 1
        self.refusals.note(request, error.code, error.detail, server.flow)
        if error.stateless and (request.method != "INVITE" or request.to.tag is None):  # else its ACK has another tag
            flow = server.flow
            self._layer.abandon(server)
            response = request.reply(error.code, error.reason, error.headers, to_tag=self._stateless_tag(request))
            self._layer.outbox.append((flow, bytes(response)))
            return
        response = request.reply(error.code, error.reason, error.headers, to_tag=self.new_tag())
        self._layer.respond(server, error.code, bytes(response), now)

    def accept(
        self, server: ServerTransaction, request: Request, now: float, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """200 to a request that was for the proxy itself."""
        self._layer.respond(server, 200, bytes(request.reply(200, headers=headers, to_tag=self.new_tag())), now)
        self._counters["answered_200"] += 1

    def without_state(
        self,
        request: Request,
        via: Via,
        flow: Flow,
        status: int,
        why: str,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Answer and remember nothing (RFC 3261 8.2.7); an ACK gets no answer."""
        self.refusals.note(request, status, why, flow)
        if request.method != "ACK":
            response = request.reply(status, None, headers, to_tag=self._stateless_tag(request))
            self._layer.outbox.append((response_flow(via, flow), bytes(response)))

    def stranger(self, request: Request, via: Via, flow: Flow) -> None:
        """403 to a source that no trunk matches."""
        self._counters["unknown_source"] += 1
        note_source(request, via, flow)
        self.without_state(request, via, flow, 403, "no trunk has this source")

    def unreadable(self, request: Request, error: SipError, flow: Flow) -> None:
        """Answer a broken request, or an ACK that may not go on, as far as it can be answered."""
        self.refusals.note(request, error.code, error.detail, flow)
        if request.method == "ACK" or not request.has("via"):
            return
        try:
            via = request.via
            to = response_flow(via, flow)
            if "received" not in via.params:  # it went wrong before the source was noted
                note_source(request, via, flow)
        except BadRequest:
            to = flow  # whoever sent that Via may recognise it
        reason = error.reason.encode("ascii", "replace").decode()
        response = request.reply(error.code, reason, error.headers, to_tag=self._stateless_tag(request))
        self._layer.outbox.append((to, bytes(response)))
