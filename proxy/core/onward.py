"""Requests as they go on, to the softswitch or from it (RFC 3261 16.6 steps 7 to 11). Sans-IO."""

from __future__ import annotations

from collections import Counter
from typing import Final

from proxy.core.calls import Calls
from proxy.core.deciding import Decision
from proxy.core.response_context import ResponseContext, ResponseContexts
from proxy.core.rewriting import Rewriter
from proxy.core.routing import Router
from proxy.core.settings import CoreSettings
from proxy.core.softswitch_watch import SoftswitchWatch
from proxy.numbers.numbering import Numbering
from proxy.policy.trunks import Side
from proxy.sip.flow import Flow
from proxy.sip.message import Request
from proxy.sip.transaction import T1
from proxy.sip.transaction_layer import TransactionLayer

# Seconds without a word from the switch after which a refusal does without its announcement: timer B would keep the
# caller in silence for half a minute, and three retransmissions have gone by then.
_ANNOUNCED_WITHIN: Final = 4.0


class Onward:
    """Sends requests on, each in a client transaction of its own."""

    def __init__(
        self,
        settings: CoreSettings,
        layer: TransactionLayer,
        contexts: ResponseContexts,
        router: Router,
        rewriter: Rewriter,
        calls: Calls,
        watch: SoftswitchWatch,
        counters: Counter[str],
    ) -> None:
        self._trying_after = settings.trying_after
        self._layer = layer
        self._contexts = contexts
        self._router = router
        self._rewriter = rewriter
        self._calls = calls
        self._watch = watch
        self._counters = counters

    def send(
        self,
        context: ResponseContext,
        request: Request,
        fingerprint: str,
        outer: Flow,
        target: Flow,
        side: Side,
        decision: Decision,
        numbering: Numbering,
        now: float,
    ) -> None:
        """Forward a request to `target`; `outer` is the flow of who is not the softswitch. Raises ServiceUnavailable
        where the softswitch is down."""
        method, server = request.method, context.server
        if side != "softswitch" and not self._watch.up and request.to.tag is None:
            if context.refusal is not None:  # nobody is there to announce it
                self._contexts.respond_finally(context, context.refusal.status, bytes(context.refusal), now)
                return
            self._watch.check(now)
        branch = self._router.branches.new(fingerprint)
        forwarded = self._rewriter.onward(request, branch, outer, target, side, decision, numbering)
        if method == "INVITE":
            self._layer.schedule_trying(server, self._trying_after, now)
            if side == "softswitch":
                context.leg_of = self._calls.begins_leg(request)
        elif method == "BYE":
            context.ends = self._calls.hangs_up(request, now, by_softswitch=side == "softswitch")
        timer_b = 64 * T1 if context.refusal is None else _ANNOUNCED_WITHIN
        client = self._layer.send((branch, method), forwarded, target, now, timer_b)
        client.tu = context
        context.branches.append(client)
        self._contexts.pending += 1
        self._counters["forwarded"] += 1
        if side != "softswitch":
            self._watch.sent(now)
