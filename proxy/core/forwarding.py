"""Requests that were let in: admitted, decided over, and carried out; or parked until that can be decided. Sans-IO."""

from __future__ import annotations

from proxy.core.answering import Answering
from proxy.core.calls import Calls
from proxy.core.consulting import Consulting
from proxy.core.deciding import Decision
from proxy.core.leg_screening import LegScreening
from proxy.core.onward import Onward
from proxy.core.orders import Orders
from proxy.core.own_responses import OwnResponses
from proxy.core.parked import Parked
from proxy.core.questions import Questions
from proxy.core.receivers import Receivers
from proxy.core.response_context import ResponseContext, ResponseContexts
from proxy.core.routing import check_hops
from proxy.core.screening import Screening
from proxy.core.settings import CoreSettings
from proxy.core.softswitch_watch import SoftswitchWatch
from proxy.policy.engine import Policy
from proxy.policy.trunks import Side
from proxy.reputation.sources import Sources
from proxy.self_service.desk import ServiceDesk
from proxy.sip.errors import SipError
from proxy.sip.flow import Flow
from proxy.sip.message import Request
from proxy.sip.transaction_layer import TransactionLayer


class Forwarding:
    """Decides over requests by `policy` and `desk`, of which each request sees those that are there when it comes."""

    def __init__(
        self,
        settings: CoreSettings,
        policy: Policy,
        desk: ServiceDesk | None,
        sources: Sources,
        layer: TransactionLayer,
        receivers: Receivers,
        own: OwnResponses,
        contexts: ResponseContexts,
        screening: Screening,
        legs: LegScreening,
        answering: Answering,
        onward: Onward,
        watch: SoftswitchWatch,
        calls: Calls,
        questions: Questions,
    ) -> None:
        self.policy = policy
        self.desk = desk
        self.sources = sources
        self._settings = settings
        self._softswitch = settings.softswitch
        self._layer = layer
        self._receivers = receivers
        self._own = own
        self._contexts = contexts
        self._screening = screening
        self._legs = legs
        self._answering = answering
        self._onward = onward
        self._watch = watch
        self._orders = Orders(self, calls, questions, answering.send_text)
        self.consulting = Consulting(self, questions, calls, screening.emergencies, settings.clock, settings.stopwatch)

    def forward(self, context: ResponseContext, request: Request, flow: Flow, side: Side, now: float) -> None:
        """Admit a request, decide over it, and carry that out; or park it until that can be decided."""
        server, policy = context.server, self.policy
        snapshot = policy.snapshot
        if request.method == "OPTIONS":
            check_hops(request)
        routed, fingerprint = self._screening.route(request, outside=side != "softswitch")
        if side == "softswitch":
            target, decision = self._legs.decide(request, routed, self.policy, now)
            outer = target
        else:
            target, outer = self._softswitch, flow
            decision = self._screening.decide(
                request, routed, flow, side, now, policy, self.desk, lambda: self._layer.is_merged(server, request)
            )
            context.registration = decision.registration
            if decision.subscriber is not None:
                self._receivers.note(server.flow, now)
            if decision.asks and self._park(
                Parked(context, request, fingerprint, flow, side, decision, policy, now), now
            ):
                return
            if self._settings.judge_softswitch:
                self._legs.note(decision, snapshot, now)
        if not self._answering.answer(context, request, decision, self.desk, snapshot, now):
            self._onward.send(context, request, fingerprint, outer, target, side, decision, snapshot.numbering, now)

    def _park(self, parked: Parked, now: float) -> bool:
        """Have asked what there is to be asked; True where the request waits for it, or went on already."""
        decision = parked.decision
        call, verdict, served = decision.call, decision.verdict, decision.served
        if call is None or verdict is None:
            return False
        if decision.outcome != "ask":
            self.consulting.note(parked.request.call_id, call, verdict, parked.policy, now)
            return False
        if call.method == "INVITE":
            self._layer.schedule_trying(parked.context.server, self._settings.trying_after, now)
        if served is not None:
            self._orders.wait(parked, served, now)
        else:
            self.consulting.wait(parked, call, verdict, now)
        return True

    def carry_on(self, parked: Parked, decision: Decision, now: float) -> None:
        """Carry out what was decided over a request that waited."""
        context, request, flow, snapshot = parked.context, parked.request, parked.flow, parked.policy.snapshot
        if self._settings.judge_softswitch:
            self._legs.note(decision, snapshot, now)
        try:
            if not self._answering.answer(context, request, decision, self.desk, snapshot, now):
                numbering = snapshot.numbering
                self._onward.send(
                    context, request, parked.fingerprint, flow, self._softswitch, parked.trunk, decision, numbering, now
                )
        except SipError as error:
            self.refuse(context, request, error, now)

    def let_go(self, parked: Parked, now: float) -> None:
        """Forget a request that waited and broke."""
        self._contexts.let_go(parked.context, now, "proxy")
        self._layer.abandon(parked.context.server)

    def go_on(self, context: ResponseContext, request: Request, flow: Flow, side: Side, now: float) -> None:
        """Forward what was held back, unless it was cancelled meanwhile."""
        if context.final is None:
            try:
                self.forward(context, request, flow, side, now)
            except SipError as error:
                self.refuse(context, request, error, now)

    def refuse(self, context: ResponseContext, request: Request, error: SipError, now: float) -> None:
        """Answer a request with an error, finally."""
        context.final = error.code
        self._contexts.let_go(context, now, "proxy" if self._watch.up else "softswitch")
        self._own.answer(context.server, request, error, now)
