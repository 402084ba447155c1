"""Requests being forwarded, and what becomes of them: best response, CANCEL, timer C (RFC 3261 16.7 to 16.10)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from proxy.core.calls import Calls, CallState
from proxy.core.events import Party
from proxy.core.late_responses import LateResponses, hang_up
from proxy.core.own_responses import OwnResponses
from proxy.identity.registrations import Registration
from proxy.sip.errors import TRY_AGAIN, Unanswerable, reason_for
from proxy.sip.message import Response
from proxy.sip.transaction import T1, ClientTransaction, ServerTransaction, State
from proxy.sip.transaction_layer import TransactionLayer, cancel_for

_CHALLENGES: Final[tuple[int, ...]] = (401, 407)
_RINGS: Final[tuple[int, ...]] = (180, 183)
_PREFERRED_4XX: Final[tuple[int, ...]] = (401, 407, 415, 420, 484)


class ResponseContext:
    """The proxy's knowledge between a request and its final response."""

    __slots__ = (
        "best",
        "branches",
        "call",
        "cancelled",
        "ends",
        "final",
        "leg_of",
        "reasons",
        "refusal",
        "registration",
        "server",
    )

    def __init__(self, server: ServerTransaction) -> None:
        self.server = server
        self.branches: list[ClientTransaction] = []
        self.best: Response | None = None
        self.final: int | None = None  # status sent upstream
        self.cancelled = False
        self.reasons: list[str] = []  # why the caller gave up
        self.call: CallState | None = None  # that was judged, until its final response
        self.leg_of: CallState | None = None  # the call for which the switch sent this INVITE, until its final response
        self.ends: tuple[CallState, Party, float] | None = None  # the call that this BYE ends, who sent it, and when
        self.registration: Registration | None = None  # what a REGISTER proved, where phones must
        self.refusal: Response | None = None  # what the caller gets in the end, whatever a branch says

    def add_final(self, response: Response) -> None:
        """Keep a non-2xx final response if it is better than what came before."""
        if self.best is None or rank(response.status) < rank(self.best.status):
            self.best = response

    @property
    def all_answered(self) -> bool:
        """True when no branch can bring a better response any more."""
        return all(branch.state >= State.ACCEPTED for branch in self.branches)


def rank(status: int) -> tuple[int, int]:
    """Sorts final responses, best first (RFC 3261 16.7 step 6): 6xx, then the lowest class, then within 4xx those
    that let the caller try again."""
    family = status // 100
    return (0 if family == 6 else family, 0 if status in _PREFERRED_4XX else 1 if status != 503 else 2)


class ResponseContexts:
    """The response side of the proxy. `calls` are told what becomes of each."""

    def __init__(self, layer: TransactionLayer, own: OwnResponses, calls: Calls) -> None:
        self.late = LateResponses(layer)
        self.calls = calls
        self.left_unheard = False  # a caller gave up before the softswitch said a word; for the watch to take back
        self.pending = 0  # requests forwarded and not yet answered finally
        self.unheard: set[ResponseContext] = set()  # those of them that were given up and have not been heard of
        self._layer = layer
        self._own = own

    # --- responses

    def receive(self, client: ClientTransaction, response: Response, now: float) -> None:
        """Take a response that matched a branch. Raises Unanswerable where it has no Via beside ours."""
        context = client.tu
        if context is not None and "via" not in response.shape.repeated and "," not in response.line("via"):
            raise Unanswerable("response with no Via but ours")
        if not self._layer.receive_response(client, response, now):
            return
        if context is None:  # our own CANCEL
            return
        if context.cancelled:
            self.unheard.discard(context)
            self._cancel_branch(client, now, context.reasons)
        status = response.status
        if status == 100:
            return
        if status < 200:
            if context.final is None:
                if context.refusal is None:
                    if (call := context.call) is not None and call.rang is None and status in _RINGS:
                        self.calls.rings(call, now)
                elif response.body and not response.has("p-early-media"):
                    response.replace("P-Early-Media", "sendrecv")  # the announcement (RFC 5009 8)
                self._layer.respond(context.server, status, _for_caller(context, response), now)
        elif status < 300:
            if context.refusal is not None:
                answered_before = context.final is not None
                self._refuse(context, context.refusal, now)
                hang_up(self._layer, client.flow, response, now, again=answered_before)
            elif context.final is None or context.final < 300:
                self.respond_finally(context, status, _for_caller(context, response), now)
            if len(context.branches) > 1:
                self._cancel_others(context, client, now)
        else:
            context.add_final(response)
            if status >= 600:
                self._cancel_others(context, client, now)
            self._finish(context, now)

    def respond_finally(
        self, context: ResponseContext, status: int, response: bytes, now: float, by: Party = "proxy"
    ) -> None:
        """Send a final response upstream; `by` is who brought it about, should it be the first one and no 2xx."""
        if context.final is None:
            context.final = status
            if context.branches:
                self.pending -= 1
            self.let_go(context, now, by)
        self._layer.respond(context.server, status, response, now)

    def let_go(self, context: ResponseContext, now: float, by: Party) -> None:
        """Say what became of a call, and forget what is not needed after the final response."""
        if (call := context.call) is not None:
            context.call = None
            self.calls.concluded(call, context.final, by, now)
        elif context.leg_of is not None:
            if context.final is not None and context.final >= 300:
                self.calls.leg_refused(context.leg_of, context.final)
            context.leg_of = None
        elif context.ends is not None:
            ended, hung_up, at = context.ends
            context.ends = None
            self.calls.ended(ended, hung_up, context.final, at)
        if context.cancelled:
            self.unheard.discard(context)
        if context.final in _CHALLENGES:
            self._layer.may_come_again(context.server)
        context.best = None

    def _finish(self, context: ResponseContext, now: float, *, ours: bool = False) -> None:
        """Send the best response once no branch can bring a better one (RFC 3261 16.7 steps 6 to 9). `ours`: nobody
        gave one, so that it was made here."""
        if context.final is not None or not context.all_answered:
            return
        best = context.best
        if best is None or context.server.request is None:
            return
        if context.refusal is not None:
            self._refuse(context, context.refusal, now)
            return
        if context.call is not None and not ours:
            self.calls.softswitch_says(context.call, best)
        if best.status == 503:  # it would say that this proxy is out of service; what else it says is still true
            best.status, best.reason = 500, reason_for(500)
        by: Party = "timeout" if ours else "softswitch"
        self.respond_finally(context, best.status, _for_caller(context, best), now, by)

    def _refuse(self, context: ResponseContext, refusal: Response, now: float) -> None:
        """The announcement is over, or nobody could make it."""
        if context.final is None:
            self.respond_finally(context, refusal.status, bytes(refusal), now)

    # --- the end of waiting

    def give_up_by_caller(self, context: ResponseContext, reasons: list[str], now: float) -> None:
        """The caller's CANCEL, with its Reasons: the call ends with 487 (RFC 3261 9.2), be it a refusal still being
        announced. Where nothing was forwarded yet (questions.py), that is said here."""
        if context.call is not None:
            self.calls.cancelled(context.call, "caller", now)
        if not context.branches and context.final is None and context.server.request is not None:
            ended = context.server.request.reply(487, to_tag=self._own.new_tag())
            self.respond_finally(context, 487, bytes(ended), now, "caller")
            return
        if context.refusal is not None and context.server.request is not None:
            context.refusal = context.server.request.reply(487, to_tag=self._own.new_tag())
        context.reasons = reasons
        self.cancel(context, now)

    def cancel(self, context: ResponseContext, now: float) -> None:
        """The caller gave up, or nobody answers (RFC 3261 16.10, 16.8): CANCEL every branch that rings."""
        if context.final is None:
            context.cancelled = True
            if not context.branches and context.server.request is not None:  # it has not been sent on yet
                ended = context.server.request.reply(487, to_tag=self._own.new_tag())
                self.respond_finally(context, 487, bytes(ended), now)
            for client in context.branches:
                if client.state is State.CALLING:
                    client.last = None  # whoever did not hear of it by now need not
                    self.left_unheard = True
                self._cancel_branch(client, now, context.reasons)
            if context.final is None and not any(client.state is State.PROCEEDING for client in context.branches):
                self.unheard.add(context)

    def _cancel_others(self, context: ResponseContext, but: ClientTransaction, now: float) -> None:
        for client in context.branches:
            if client is not but:
                self._cancel_branch(client, now)

    def _cancel_branch(self, client: ClientTransaction, now: float, reasons: Iterable[str] = ()) -> None:
        """Only after a provisional response (RFC 3261 9.1); the first one that comes brings us here again."""
        key = (client.key[0], "CANCEL")
        if client.state is State.PROCEEDING and client.request is not None and key not in self._layer.clients:
            self._layer.send(key, cancel_for(client.request, reasons), client.flow, now)
            self._layer.start_cancel_timer(client, 64 * T1, now)

    def no_answer(self, client: ClientTransaction, now: float, status: int = 408) -> None:
        """Timers B, C and F, and broken transports (16.9: those count as answered with 503)."""
        context = client.tu
        if not isinstance(context, ResponseContext) or context.final is not None:
            self.late.leave(client, now)
            return
        if client.state is State.PROCEEDING and not context.cancelled:
            if context.call is not None:
                self.calls.cancelled(context.call, "timeout", now)
            self.cancel(context, now)  # timer C (RFC 3261 16.8)
            return
        self.late.leave(client, now)
        request = context.server.request
        if request is None:
            return
        if request.method != "INVITE" and status == 408:
            # Nobody is waiting any more for a late 408 (RFC 4320 4.2).
            self.pending -= 1
            self.let_go(context, now, "timeout")
            self._layer.abandon(context.server)
            return
        status, why = (487, "cancelled") if context.cancelled else (status, "no answer from where it was sent")
        self._own.refusals.note(request, status, why, context.server.flow)
        reply = request.reply(status, to_tag=self._own.new_tag())
        reply.insert(0, "Via", "")  # where our own stands in a received response
        context.add_final(reply)
        self._finish(context, now, ours=True)

    def unavailable(self, client: ClientTransaction, now: float) -> None:
        """Nobody is there to answer, nor for what comes next: the caller gets 503, as RFC 3261 16.7 step 6 allows for
        that, or the refusal that was to be announced."""
        context = client.tu
        if isinstance(context, ResponseContext) and context.final is None and context.server.request is not None:
            if context.refusal is not None:
                self._refuse(context, context.refusal, now)
            else:
                status = 487 if context.cancelled else 503
                headers = () if context.cancelled else TRY_AGAIN
                reply = context.server.request.reply(status, headers=headers, to_tag=self._own.new_tag())
                self.respond_finally(context, status, bytes(reply), now, "softswitch")
        self.late.leave(client, now)

    def give_up(self, now: float) -> None:
        """Before the end: CANCEL what still rings, tell who waits, and leave a record of each call."""
        for server in list(self._layer.servers.values()):
            context = server.tu
            if not isinstance(context, ResponseContext) or context.final is not None or server.request is None:
                continue
            gave_up = context.cancelled
            if context.branches:  # else it has not been sent on yet
                self.cancel(context, now)
            status, headers = (487, ()) if gave_up else (503, TRY_AGAIN)
            refused = server.request.reply(status, headers=headers, to_tag=self._own.new_tag())
            self.respond_finally(context, status, bytes(refused), now)


def _for_caller(context: ResponseContext, response: Response) -> bytes:
    """A response as it goes on towards the caller, without our Via (RFC 3261 16.7 step 3)."""
    response.remove_first_value("via")
    if context.server.reliable:
        response.say_length()
    return response.encoded()
