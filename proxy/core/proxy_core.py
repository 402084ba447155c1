"""The proxy without sockets: bytes come in, bytes to send and events come out (RFC 3261 section 16).

Nothing here reads a clock or does I/O. `receive` takes what a socket got, `run_timers` what time brought; afterwards
`outbox` holds what is to be sent and `outputs` what happened (events.py), both in order, for the caller to empty.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from proxy.core.answering import Answering
from proxy.core.calls import Calls
from proxy.core.events import Event
from proxy.core.forwarding import Forwarding
from proxy.core.keys import Keys
from proxy.core.leg_screening import LegScreening
from proxy.core.onward import Onward
from proxy.core.own_responses import OwnResponses
from proxy.core.peer_events import PeerEvents
from proxy.core.questions import Answer, Ask, Questions
from proxy.core.receivers import Receivers
from proxy.core.refusals import Refusals
from proxy.core.response_context import ResponseContext, ResponseContexts
from proxy.core.responses import Responses
from proxy.core.rewriting import Rewriter
from proxy.core.routing import Router, note_source, response_flow, validate
from proxy.core.screening import Screening
from proxy.core.settings import CoreSettings
from proxy.core.softswitch_routes import SoftswitchRoutes
from proxy.core.softswitch_watch import SoftswitchWatch
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
from proxy.sip.transaction_layer import TransactionLayer, server_key
from proxy.sip.uri import SipUri, Uri

# The more is held, the smaller a request must be to be taken: bytes held stay within some ten times this number.
_MEMORY: Final = 128 << 20
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
        self.counters: Counter[str] = Counter()
        self.outputs: list[Event] = []
        self.peer_events = PeerEvents(self.outputs)
        self.refusals = Refusals(self.outputs)
        self.draining = False
        keys = Keys.derive(secret)
        self._receivers = Receivers()
        self._layer = TransactionLayer(settings.timer_c, self._receivers.knows)
        self._own = OwnResponses(self._layer, self.counters, keys.to_tags, self.refusals)
        self._calls = Calls(settings.clock, self.outputs)
        self._contexts = ResponseContexts(self._layer, self._own, self._calls)
        self.outbox = self._layer.outbox
        softswitch_routes = SoftswitchRoutes(settings.softswitch, settings.softswitch_aliases)
        self._router = Router(settings.listeners, keys, settings.domains, softswitch_routes)
        authenticator = settings.authenticator(keys.nonces, counts)
        registrations = Registrations(authenticator.challenger, authenticator.counts, authenticator.lockout)
        self._rewriter = Rewriter(settings, self._router, authenticator, registrations)
        self.sources = Sources(self.counters, self.outputs.append)
        self._screening = Screening(settings, self._router, authenticator, registrations, opinions=self.sources)
        legs = LegScreening(settings, self._router, self._screening.emergencies)
        answering = Answering(
            self._layer, self._own, self._contexts, self._router, settings.softswitch, self.counters, self.refusals
        )
        self._questions = Questions(self.outputs.append)
        self._softswitch = settings.softswitch
        self.watch = SoftswitchWatch(
            settings.probing, self._softswitch, self._layer, self._router, self._contexts, self.counters, self.outputs
        )
        onward = Onward(
            settings, self._layer, self._contexts, self._router, self._rewriter, self._calls, self.watch, self.counters
        )
        self._forwarding = Forwarding(
            settings, policy, desk, self.sources, self._layer, self._receivers, self._own, self._contexts,
            self._screening, legs, answering, onward, self.watch, self._calls, self._questions,
        )  # fmt: skip
        self._responses = Responses(
            settings, self._layer, self._contexts, self._router, registrations, legs, self._forwarding, self.watch,
            self.peer_events, self.counters,
        )  # fmt: skip

    @property
    def policy(self) -> Policy:
        """The policy that the next request is decided by."""
        return self._forwarding.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._forwarding.policy = policy

    @property
    def desk(self) -> ServiceDesk | None:
        """The desk at which the next order is given."""
        return self._forwarding.desk

    @desk.setter
    def desk(self, desk: ServiceDesk | None) -> None:
        self._forwarding.desk = desk

    # --- what the server calls

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """Take one message. `now` is in seconds on the clock that `run_timers` gets."""
        message = None
        try:
            message = parse(data)
            if isinstance(message, Request):
                self._receive_request(message, flow, len(data), now)
            else:
                self._responses.receive(message, flow, now)
        except KeepAlive:
            self.counters["keepalives"] += 1
        except SipError as error:
            if isinstance(message, Response):
                self.counters["dropped"] += 1
                return
            self.counters["malformed"] += 1
            request = message or broken_request(error)
            # Silence for strangers, and for what is not SIP.
            if request is not None and self.settings.side_of(flow) is not None:
                self._own.unreadable(request, error, flow)

    def refuse(self, error: SipError, flow: Flow) -> None:
        """Answer what a stream brought and could not be cut out of it, where it is a request and from no stranger."""
        self.counters["malformed"] += 1
        request = broken_request(error)
        if request is not None and self.settings.side_of(flow) is not None:
            self._own.unreadable(request, error, flow)

    def next_timer(self) -> float:
        """The moment to call `run_timers` next; infinity where nothing waits."""
        due = min(self._layer.next_timer(), self._questions.next_timer())  # of two: mypyc needs no call for that
        return min(due, self.watch.due)

    def resolved(self, ask: Ask, answer: Answer, now: float) -> None:
        """Go on with what waited for an answer."""
        self._questions.resolved(ask, answer, now)

    def run_timers(self, now: float) -> None:
        """Let due timers fire."""
        self._questions.run_timers(now)
        self.watch.run(now)
        self._responses.run_timers(now)

    def set_epoch(self, epoch: float) -> None:
        """Take the machine's time of day as it is now: `epoch` is what to add to `now` to get seconds since 1970.

        What is new goes by it. Timers run on, calls keep the clock they came by, control rooms may call back as long.
        """
        clock = self.settings.clock
        self._screening.emergencies.clock_was_set(epoch - clock.epoch)
        if epoch < clock.epoch:
            self.sources.set_back(clock.epoch - epoch)
        clock.epoch = epoch

    def transport_failed(self, flow: Flow, now: float) -> None:
        """A stream to this peer broke or could not be made."""
        self._responses.transport_failed(flow, now)

    def give_up(self, now: float) -> None:
        """Before the end: CANCEL calls that still ring, and answer whoever waits."""
        self._contexts.give_up(now)

    @property
    def pending(self) -> int:
        """The number of requests forwarded and not yet answered finally, or waiting for an answer to a question.

        Those that were given up before anybody said a word are left out: nothing more is to be expected of them.
        """
        contexts = self._contexts
        return contexts.pending - len(contexts.unheard) + self._questions.saving + self._forwarding.consulting.pending

    @property
    def calls(self) -> int:
        """The number of answered calls that stand, as far as the proxy knows."""
        return self._calls.standing

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
        side = self.settings.side_of(flow)
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
                self._questions.pause(
                    _HELD, lambda _, then: self._forwarding.go_on(context, request, flow, side, then), now
                )
            else:
                self._forwarding.forward(context, request, flow, side, now)
        except SipError as error:
            self._forwarding.refuse(context, request, error, now)
        except Exception:
            self._contexts.let_go(context, now, "proxy")
            self._layer.abandon(server)
            raise

    def _is_for_us(self, request: Request, uri: Uri) -> bool:
        return isinstance(uri, SipUri) and uri.user is None and not request.has("route") and self._router.serves(uri)

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
        self.outbox.append((target, forwarded.encoded()))

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
