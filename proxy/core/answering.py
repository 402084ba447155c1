"""The proxy's own answers to what is decided: refusals, orders to self-service, and texts of its own. Sans-IO."""

from __future__ import annotations

from collections import Counter

from proxy.core.deciding import Decision
from proxy.core.events import Judged
from proxy.core.own_responses import OwnResponses
from proxy.core.refusals import Refusals
from proxy.core.response_context import ResponseContext, ResponseContexts
from proxy.core.routing import Router
from proxy.core.treatment import refuse
from proxy.policy.snapshot import Snapshot
from proxy.self_service.desk import ServiceDesk
from proxy.sip.flow import Flow
from proxy.sip.message import Request
from proxy.sip.transaction_layer import TransactionLayer


class Answering:
    """Carries decisions out. Texts go to subscribers by way of `softswitch`; `counters` count, `refusals` say why."""

    def __init__(
        self,
        layer: TransactionLayer,
        own: OwnResponses,
        contexts: ResponseContexts,
        router: Router,
        softswitch: Flow,
        counters: Counter[str],
        refusals: Refusals,
    ) -> None:
        self._layer = layer
        self._own = own
        self._contexts = contexts
        self._router = router
        self._softswitch = softswitch
        self._counters = counters
        self._refusals = refusals

    def answer(
        self,
        context: ResponseContext,
        request: Request,
        decision: Decision,
        desk: ServiceDesk | None,
        snapshot: Snapshot,
        now: float,
    ) -> bool:
        """Carry out what was decided, as far as it is for us to answer; True where the request goes no further."""
        call, verdict, served = decision.call, decision.verdict, decision.served
        if call is None or verdict is None:
            return False
        judged = Judged(request.call_id, call, verdict, decision.elapsed, decision.waited)
        context.call = self._contexts.calls.judged(judged, request, context.call)
        self._counters[verdict.action] += 1
        if verdict.action == "reject":
            refusal = refuse(request, verdict, self._own.new_tag(), call)
            self._refusals.note(request, refusal.status, f"{verdict.rule}: {verdict.detail}", context.server.flow)
            if verdict.service:
                context.refusal = refusal  # which the switch announces first
            else:
                self._contexts.respond_finally(context, refusal.status, bytes(refusal), now)
        elif served and request.method == "MESSAGE":
            self._contexts.respond_finally(context, 200, bytes(request.reply(200, to_tag=self._own.new_tag())), now)
        elif served is None:
            return False  # as of nearly all: they go on
        text = served.text if served else desk.refused_call_notice(call, verdict, snapshot) if desk else None
        if text is not None:
            self.send_text(text, now)
        return decision.outcome == "refuse" or (served is not None and request.method == "MESSAGE")

    def send_text(self, text: Request, now: float) -> None:
        """Have the softswitch deliver a text of our own; nobody waits to hear what became of it."""
        branches = self._router.branches
        forwarded = self._router.forward(text, self._softswitch, branch := branches.new(branches.fingerprint(text)))
        self._layer.send((branch, text.method), forwarded, self._softswitch, now)
