"""The proxy without sockets: bytes come in, bytes to send and events come out (RFC 3261 section 16).

Nothing here reads a clock or does I/O. `receive` takes what a socket got, `run_timers` what time brought; afterwards
`outbox` holds what is to be sent and `outputs` what happened (events.py), both in order, for the caller to empty.
"""

from __future__ import annotations

from collections import Counter

from proxy.core.answering import Answering
from proxy.core.calls import Calls
from proxy.core.consulting import Consulting
from proxy.core.deciding import Decision
from proxy.core.events import Event
from proxy.core.keys import Keys
from proxy.core.leg_screening import LegScreening
from proxy.core.onward import Onward
from proxy.core.orders import Orders
from proxy.core.own_responses import OwnAnswers
from proxy.core.parked import Parked
from proxy.core.peer_events import PeerEvents
from proxy.core.questions import Answer, Ask, Questions
from proxy.core.receivers import Receivers
from proxy.core.refusals import Refusals
from proxy.core.response_context import ResponseContext, ResponseContexts
from proxy.core.rewriting import Rewriter
from proxy.core.routing import Router, check_hops, note_source, response_flow, validate
from proxy.core.screening import Screening
from proxy.core.settings import CoreSettings
from proxy.core.softswitch_routes import SoftswitchRoutes
from proxy.core.softswitch_watch import SoftswitchWatch
from proxy.identity.assertions import CLAIMS, clean
from proxy.identity.authentication import Counts
from proxy.identity.registrations import Registrations
from proxy.policy.call import JUDGED
from proxy.policy.engine import Policy
from proxy.policy.trunks import Side
from proxy.reputation.sources import Sources
from proxy.self_service.desk import ServiceDesk
from proxy.sip.errors import TRY_AGAIN, KeepAlive, ServiceUnavailable, SipError
from proxy.sip.flow import Flow
from proxy.sip.headers import Via
from proxy.sip.message import Request, Response, broken_request, parse
from proxy.sip.transaction import State
from proxy.sip.transaction_layer import TransactionLayer, server_key
from proxy.sip.uri import SipUri, Uri

# The more is held, the smaller a request must be to be taken: bytes held stay within some ten times this number.
_MEMORY = 128 << 20
_HELD = 0.5  # seconds that calls of a switch which wakes up are held back, lest they be those of callers who left


class ProxyCore:
    """A stateful proxy with a policy. `policy` may be swapped at any time: each call sees one or the other.

    `counts` are those of nonces and wrong answers where several processes share them; else each remembers its own.
    With a `desk`, subscribers change their profiles by text and star code. An `Ask` among the `outputs` is a question:
    can changes be saved, what does a remote source say of a caller? Whoever runs the core answers with `resolved`.
    """

    def __init__(
        self,
        settings: CoreSettings,
        policy: Policy,
        secret: bytes | None = None,
        desk: ServiceDesk | None = None,
        counts: Counts | None = None,
    ) -> None:
        self.settings = settings
        self.policy = policy
        self.desk = desk
        self.counters: Counter[str] = Counter()
        self.outputs: list[Event] = []
        self.peer_events = PeerEvents(self.outputs)
        self.refusals = Refusals(self.outputs)
        self.draining = False
        keys = Keys.derive(secret)
        self._receivers = Receivers()
        self._layer = TransactionLayer(settings.timer_c, self._receivers.knows)
        self._own = OwnAnswers(self._layer, self.counters, keys.to_tags, self.refusals)
        self._calls = Calls(settings.epoch, self.outputs)
        self._contexts = ResponseContexts(self._layer, self._own, self._calls)
        self.outbox = self._layer.outbox
        softswitch_routes = SoftswitchRoutes(settings.softswitch, settings.softswitch_aliases)
        self._router = Router(settings.listeners, keys, settings.domains, softswitch_routes)
        authenticator = settings.authenticator(keys.nonces, counts)
        self._registrations = Registrations(authenticator.challenger, authenticator.counts, authenticator.lockout)
        self._rewriter = Rewriter(settings, self._router, authenticator, self._registrations)
        self.sources = Sources(self.counters, self.outputs.append)
        self._screening = Screening(settings, self._router, authenticator, self._registrations, opinions=self.sources)
        self._legs = LegScreening(settings, self._router, self._screening.emergencies)
        self._answering = Answering(
            self._layer, self._own, self._contexts, self._router, settings.softswitch, self.counters, self.refusals
        )
        self._questions = Questions(self.outputs.append)
        self._orders = Orders(self, self._calls, self._questions, self._answering.send_text)
        self._softswitch = settings.softswitch
        self.watch = SoftswitchWatch(
            settings.probing, self._softswitch, self._layer, self._router, self._contexts, self.counters, self.outputs
        )
        self._onward = Onward(
            settings, self._layer, self._contexts, self._router, self._rewriter, self._calls, self.watch, self.counters
        )
        self._consulting = Consulting(
            self, self._questions, self._calls, self._screening.emergencies, settings.epoch, settings.stopwatch
        )

    # --- what the server calls

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """Take one message. `now` is in seconds on the clock that `run_timers` gets."""
        message = None
        try:
            message = parse(data)
            if isinstance(message, Request):
                self._receive_request(message, flow, len(data), now)
            else:
                self._receive_response(message, flow, now)
        except KeepAlive:
            self.counters["keepalives"] += 1
        except SipError as error:
            if isinstance(message, Response):
                self.counters["dropped"] += 1
                return
            self.counters["malformed"] += 1
            request = message or broken_request(error)
            # Silence for strangers, and for what is not SIP.
            if request is not None and self._side_of(flow) is not None:
                self._own.unreadable(request, error, flow)

    def refuse(self, error: SipError, flow: Flow) -> None:
        """Answer what a stream brought and could not be cut out of it, where it is a request and from no stranger."""
        self.counters["malformed"] += 1
        request = broken_request(error)
        if request is not None and self._side_of(flow) is not None:
            self._own.unreadable(request, error, flow)

    def next_timer(self) -> float:
        """The moment to call `run_timers` next; infinity where nothing waits."""
        return min(self._layer.next_timer(), self._questions.next_timer(), self.watch.due)

    def resolved(self, ask: Ask, answer: Answer, now: float) -> None:
        """Go on with what waited for an answer."""
        self._questions.resolved(ask, answer, now)

    def run_timers(self, now: float) -> None:
        """Let due timers fire."""
        self._questions.run_timers(now)
        self.watch.run(now)
        for client in self._layer.run_timers(now):
            if self.watch.gone(client, now):
                continue
            if client.flow == self._softswitch and client.state is State.TERMINATED:
                self.peer_events.note("softswitch_unreachable", client.flow)
            self._contexts.no_answer(client, now)

    def transport_failed(self, flow: Flow, now: float) -> None:
        """A stream to this peer broke or could not be made: its requests count as answered with 503 (16.9)."""
        for client in self._layer.connection_lost(flow):
            if not self._layer.fail(client, now) or self.watch.gone(client, now, refused=True):
                continue
            if flow == self._softswitch:
                self.peer_events.note("softswitch_unreachable", flow)
                self._contexts.unavailable(client, now)
                self.watch.suspect(now)
            else:
                self._contexts.no_answer(client, now, status=503)

    def give_up(self, now: float) -> None:
        """Before the end: CANCEL calls that still ring, and answer whoever waits."""
        self._contexts.give_up(now)

    @property
    def pending(self) -> int:
        """The number of requests forwarded and not yet answered finally, or waiting for an answer to a question.

        Those that were given up before anybody said a word are left out: nothing more is to be expected of them.
        """
        contexts = self._contexts
        return contexts.pending - len(contexts.unheard) + self._questions.saving + self._consulting.pending

    @property
    def transactions(self) -> int:
        """The number of transactions held, finished ones that still absorb retransmissions included."""
        return len(self._layer)

    # --- requests

    def _receive_request(self, request: Request, flow: Flow, size: int, now: float) -> None:
        via = request.via
        key = server_key(request, via)
        server = self._layer.servers.get(key)
        if server is not None:
            if request.method == "ACK":
                self._receivers.note_ack(server, request, now)
            if not self._layer.receive_again(server, request, now):
                return
        side = self._side_of(flow)
        if side is None:
            self.peer_events.note("unknown_source", flow)
            self._own.stranger(request, via, flow)
            return
        note_source(request, via, flow)
        if side == "softswitch":
            self.watch.heard(now)
        if request.method == "ACK":
            self._forward_ack(request, side)
        elif request.method == "CANCEL":
            self._cancel(request, via, key, flow, now)
        elif self._has_room(size):
            self._begin(request, via, key, flow, side, now)
        else:
            self._own.without_state(request, via, flow, 503, "overload", TRY_AGAIN)
            self.counters["overload"] += 1

    def _side_of(self, flow: Flow) -> Side | None:
        """The side that sent a message; None for a stranger."""
        softswitch = self._softswitch
        if flow[2] == softswitch[2] and flow[1] == softswitch[1]:
            return "softswitch"
        trunk = self.settings.find_trunk(flow[1], flow[2])
        if trunk is None and flow[1] == softswitch[1] and flow[0] != "udp":
            return "softswitch"  # whose connections come from any port
        return trunk

    def _has_room(self, size: int) -> bool:
        """The more is held, the smaller a request must be to be taken."""
        held = len(self._layer)
        return held < self.settings.max_transactions and held * size <= _MEMORY

    def _begin(self, request: Request, via: Via, key: tuple[str, ...], flow: Flow, side: Side, now: float) -> None:
        """A request that starts a transaction."""
        server = self._layer.accept(key, request, response_flow(via, flow))
        context = server.tu = ResponseContext(server)
        try:
            uri = validate(request)
            if request.method == "OPTIONS" and self._is_for_us(request, uri):
                self._own.accept(server, request, now, (("Accept", "application/sdp"), ("Supported", "path")))
            elif self.draining and request.method in JUDGED and request.to.tag is None:
                raise ServiceUnavailable("shutting down")
            elif side == "softswitch" and self.watch.wakes_up(request, now):
                self._layer.schedule_trying(server, 0.0, now)  # so that the switch may cancel it
                self._questions.pause(_HELD, lambda _, then: self._go_on(context, request, flow, side, then), now)
            else:
                self._forward(context, request, flow, side, now)
        except SipError as error:
            self._refuse(context, request, error, now)
        except Exception:
            self._contexts.let_go(context, now, "proxy")
            self._layer.abandon(server)
            raise

    def _go_on(self, context: ResponseContext, request: Request, flow: Flow, side: Side, now: float) -> None:
        """Forward what was held back, unless it was cancelled meanwhile."""
        if context.final is None:
            try:
                self._forward(context, request, flow, side, now)
            except SipError as error:
                self._refuse(context, request, error, now)

    def _refuse(self, context: ResponseContext, request: Request, error: SipError, now: float) -> None:
        context.final = error.code
        self._contexts.let_go(context, now, "proxy" if self.watch.up else "softswitch")
        self._own.answer(context.server, request, error, now)

    def _is_for_us(self, request: Request, uri: Uri) -> bool:
        return (
            isinstance(uri, SipUri) and uri.user is None and "route" not in request.names and self._router.serves(uri)
        )

    def _forward(self, context: ResponseContext, request: Request, flow: Flow, side: Side, now: float) -> None:
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
            if self.settings.judge_softswitch:
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
            self._consulting.note(parked.request.call_id, call, verdict, parked.policy, now)
            return False
        if call.method == "INVITE":
            self._layer.schedule_trying(parked.context.server, self.settings.trying_after, now)
        if served is not None:
            self._orders.wait(parked, served, now)
        else:
            self._consulting.wait(parked, call, verdict, now)
        return True

    def carry_on(self, parked: Parked, decision: Decision, now: float) -> None:
        """Carry out what was decided over a request that waited."""
        context, request, flow, snapshot = parked.context, parked.request, parked.flow, parked.policy.snapshot
        if self.settings.judge_softswitch:
            self._legs.note(decision, snapshot, now)
        try:
            if not self._answering.answer(context, request, decision, self.desk, snapshot, now):
                numbering = snapshot.numbering
                self._onward.send(
                    context, request, parked.fingerprint, flow, self._softswitch, parked.trunk, decision, numbering, now
                )
        except SipError as error:
            self._refuse(context, request, error, now)

    def let_go(self, parked: Parked, now: float) -> None:
        """Forget a request that waited and broke."""
        self._contexts.let_go(parked.context, now, "proxy")
        self._layer.abandon(parked.context.server)

    def _forward_ack(self, request: Request, side: Side) -> None:
        """The ACK to a 2xx is a transaction of its own that nobody answers: sent on without state."""
        if self._own.acknowledges_us(request):
            return
        validate(request)
        routed, fingerprint = self._screening.route(request, outside=side != "softswitch")
        if side == "softswitch":
            target = self._router.outward_target(request, routed, self.settings.find_trunk)
        else:
            target = self._softswitch
            self._screening.check_relay(request, routed, side, "")
        branch = self._router.branches.same(fingerprint)
        forwarded = self._router.forward(request, target, branch)
        self._rewriter.clean(forwarded, side)
        self.outbox.append((target, bytes(forwarded)))

    def _cancel(self, request: Request, via: Via, key: tuple[str, ...], flow: Flow, now: float) -> None:
        """RFC 3261 16.10: answered here, and passed on to the branches as CANCELs of our own.

        One that finds no INVITE gets 481: sent on without state it would meet nothing, for nobody can tell the branch
        that its INVITE was sent on with.
        """
        validate(request)
        invite = self._layer.servers.get((*key[:-1], "INVITE"))
        if invite is None:
            self._own.without_state(request, via, flow, 481, "no such INVITE")
            return
        server = self._layer.accept(key, request, response_flow(via, flow))
        self._own.accept(server, request, now)
        if isinstance(invite.tu, ResponseContext):
            self._contexts.give_up_by_caller(invite.tu, request.headers("reason"), now)

    # --- responses

    def _receive_response(self, response: Response, flow: Flow, now: float) -> None:
        branch = response.line("via").partition(";branch=")[2].partition(";")[0].partition(",")[0].strip()
        cseq = response.line("cseq").rstrip()
        client = self._layer.clients.get((branch, method := cseq[cseq.rfind(" ") + 1 :]))
        if client is None:  # spelt in a rarer way, or none of ours
            client = self._layer.clients.get((response.via.branch or "", response.cseq.method))
        if client is None or (flow[1] != client.flow[1] and self._side_of(flow) is None):
            if self._side_of(flow) == "softswitch":
                self.watch.heard(now)
            if not self._contexts.late.receive(branch, response, flow, now):
                self.counters["stray_response"] += 1  # RFC 6026 8.2: dropped
        else:
            if 300 <= response.status < 400 and client.flow != self._softswitch:
                self.counters["deflection_barred"] += self._legs.bars_deflection(response, client.request, self.policy)
            if not CLAIMS.isdisjoint(response.names) and (side := self._side_of(flow)) is not None:
                clean(response, side)
            if client.tu is not None and client.tu.registration is not None:
                self._registrations.registrar_responded(response, client.tu.registration, now)
            if method == "REGISTER" and client.flow == self._softswitch and client.tu is not None:
                self._router.softswitch_routes.learn(client.tu.server.flow.host, response)
            self._contexts.receive(client, response, now)
            if client.flow == self._softswitch:
                self.watch.heard(now)
