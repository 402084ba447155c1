"""The proxy without sockets: bytes come in, bytes to send and call records come out (RFC 3261 section 16).

Nothing here reads a clock or does I/O. `receive` takes what a socket got, `run_timers` what time brought; afterwards
`outbox` holds what is to be sent and `records` the lines of calls that ended, both in order, for the caller to empty.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from proxy.authentication import Authenticator, claims_of_others, refusal
from proxy.call_record import CallRecord
from proxy.flow_tokens import FlowTokens
from proxy.forwarding import (
    Listener,
    Routed,
    Router,
    cached_uri,
    loop_hash,
    new_branch,
    note_source,
    response_flow,
    same_branch,
    validate,
)
from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.response_context import ResponseContext
from proxy.sip.errors import BadRequest, Forbidden, LoopDetected, SipError, Unanswerable
from proxy.sip.flow import Flow
from proxy.sip.headers import Via
from proxy.sip.message import Request, Response, parse
from proxy.sip.transaction import T1, ClientTransaction, ServerTransaction, State
from proxy.sip.transaction_layer import TransactionLayer, cancel_for, server_key
from proxy.sip.uri import SipUri, Uri
from proxy.subscribers.profile import Subscriber
from proxy.treatment import refuse
from proxy.trunks import Trunk

_JUDGED = frozenset(("INVITE", "MESSAGE"))
_DIALOG_MAKING = frozenset(("INVITE", "SUBSCRIBE", "REFER", "NOTIFY"))
_STATELESS_TAG = "rf0-"  # To tags of answers that left no transaction: their ACKs end here
# The more is held, the smaller a request must be to be taken: bytes held stay within some ten times this number.
_MEMORY = 128 << 20
_OVERLOADED = (("Retry-After", "5"),)

Side = Trunk | Literal["switch"]


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """What the core needs of the config. `softswitch` names the switch's address; `local` of it is ours to pick."""

    listeners: tuple[Listener, ...]
    softswitch: Flow
    find_trunk: Callable[[str, int], Trunk | None]
    domains: frozenset[str] = frozenset(("*",))
    max_transactions: int = 300_000
    timer_c: float = 181.0  # seconds
    trying_after: float = 0.15  # seconds without any response after which an INVITE gets its 100 Trying
    epoch: float = 0.0  # what to add to `now` to get seconds since 1970
    realm: str = "ringfence.example"  # of digest authentication
    nonce_seconds: float = 60.0
    stopwatch: Callable[[], float] = float  # seconds; times each decision for its call record


class ProxyCore:
    """A stateful proxy with a policy. `policy` may be swapped at any time: each call sees one or the other."""

    def __init__(self, settings: CoreSettings, policy: Policy, secret: bytes | None = None) -> None:
        self.settings = settings
        self.policy = policy
        self.records: list[str] = []
        self.counters: Counter[str] = Counter()
        self.draining = False
        self.pending = 0  # requests forwarded and not yet answered finally
        self._layer = TransactionLayer(settings.timer_c)
        self.outbox = self._layer.outbox
        self._router = Router(settings.listeners, FlowTokens(secret or secrets.token_bytes(32)))
        self._authenticator = Authenticator(settings.realm, settings.nonce_seconds)
        self._switch = settings.softswitch
        self._merged: set[tuple[str, ...]] = set()  # out-of-dialog requests being answered
        self._tags = secrets.token_hex(4)
        self._tag_count = 0
        self._size = 0  # bytes of the message at hand

    # --- what the server calls

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """Take one message. `now` is in seconds on the clock that `run_timers` gets."""
        self._size = len(data)
        try:
            message = parse(data)
        except SipError as error:
            self._refuse_unreadable(error, flow)
            return
        try:
            if isinstance(message, Request):
                self._receive_request(message, flow, now)
            else:
                self._receive_response(message, flow, now)
        except SipError as error:
            if isinstance(message, Request):
                error.request = message
                self._refuse_unreadable(error, flow)
            else:
                self.counters["dropped"] += 1

    def next_timer(self) -> float:
        """When `run_timers` is next to be called; infinity where nothing waits."""
        return self._layer.next_timer()

    def run_timers(self, now: float) -> None:
        """Let due timers fire."""
        for client in self._layer.run_timers(now):
            self._no_answer(client, now)

    def transport_failed(self, flow: Flow, now: float) -> None:
        """A stream to this peer broke or could not be made: its requests count as answered with 503 (16.9)."""
        for client in [c for c in self._layer.clients.values() if c.flow == flow]:
            if self._layer.fail(client, now):
                self._no_answer(client, now, status=503)

    def give_up(self) -> None:
        """Before the end: let go of calls that are still being set up, so that each leaves its record."""
        for server in self._layer.servers.values():
            if isinstance(server.user, ResponseContext):
                self._let_go(server.user)

    @property
    def transactions(self) -> int:
        """How many transactions are held, finished ones that still absorb retransmissions included."""
        return len(self._layer)

    # --- requests

    def _receive_request(self, request: Request, flow: Flow, now: float) -> None:
        via = request.via
        key = server_key(request, via)
        server = self._layer.servers.get(key)
        if server is not None and not self._layer.receive_again(server, request, now):
            return
        side = self._side_of(flow)
        if side is None:
            self._refuse_stranger(request, via, flow)
            return
        note_source(request, via, flow)
        if request.method == "ACK":
            self._forward_ack(request, via, side)
        elif request.method == "CANCEL":
            self._cancel(request, via, key, flow, now)
        else:
            self._begin(request, via, key, flow, side, now)

    def _side_of(self, flow: Flow) -> Side | None:
        """Who sent a message; None for a stranger."""
        switch = self._switch
        if flow[2] == switch[2] and flow[1] == switch[1]:
            return "switch"
        trunk = self.settings.find_trunk(flow[1], flow[2])
        if trunk is None and flow[1] == switch[1] and flow[0] != "udp":
            return "switch"  # whose connections come from any port
        return trunk

    def _begin(self, request: Request, via: Via, key: tuple[str, ...], flow: Flow, side: Side, now: float) -> None:
        """A request that starts a transaction."""
        held = len(self._layer)
        if held >= self.settings.max_transactions or held * self._size > _MEMORY:
            self._reply_stateless(request, via, flow, 503, _OVERLOADED)
            self.counters["overload"] += 1
            return
        server = self._layer.accept(key, request, response_flow(via, flow))
        context = server.user = ResponseContext(server)
        try:
            uri = validate(request)
            if request.method == "OPTIONS" and self._is_for_us(request, uri):
                self._answer(server, request, 200, now, (("Accept", "application/sdp"), ("Supported", "path")))
            elif self.draining and request.method in _JUDGED and request.to.tag is None:
                raise SipError("shutting down", status=503, headers=_OVERLOADED)
            else:
                self._forward(context, request, flow, side, now)
        except SipError as error:
            context.final = error.code
            self._let_go(context)
            self._answer(server, request, error.code, now, error.headers, error.reason)
        except Exception:
            self._let_go(context)
            self._layer.abandon(server)
            raise

    def _is_for_us(self, request: Request, uri: Uri) -> bool:
        return (
            isinstance(uri, SipUri)
            and uri.user is None
            and "route" not in request.names
            and (self._router.is_own(uri) or uri.host in self.settings.domains)
        )

    def _forward(self, context: ResponseContext, request: Request, flow: Flow, side: Side, now: float) -> None:
        method = request.method
        fingerprint = loop_hash(request)
        self._router.check_loop(request, fingerprint)
        routed = self._router.take_own_routes(request)
        subscriber = None
        if side == "switch":
            target = outer = self._outward_target(request, routed)
        else:
            target, outer = self._switch, flow
            self._check_relay(request, routed, side)
            if side.auth == "digest":
                subscriber = self._authenticate(request, routed, flow, now)
            if method == "MESSAGE" or request.to.tag is None or not self._goes_on(routed, side):
                self._check_merged(context, request)
                if method in _JUDGED and not self._let_through(context, request, side, now, subscriber):
                    return
        forwarded = self._router.forward(request, target, branch := new_branch(fingerprint))
        if method in _DIALOG_MAKING:
            self._router.record_route(forwarded, outer, self._switch.local, outward=side == "switch")
        elif method == "REGISTER":
            self._router.add_path(forwarded, outer, self._switch.local)
        self._clean_identity(forwarded, side)
        if subscriber is not None:
            self._authenticator.assert_identity(forwarded, subscriber)
        if method == "INVITE":
            self._layer.try_later(context.server, self.settings.trying_after, now)
        client = self._layer.send((branch, method), forwarded, target, now)
        client.user = context
        context.branches.append(client)
        self.pending += 1
        self.counters["forwarded"] += 1

    def _goes_on(self, routed: Routed, trunk: Trunk) -> bool:
        """True within a dialog that came in on, or went out to, the same trunk: our token says so."""
        flow = routed.flow
        return routed.in_dialog and flow is not None and self.settings.find_trunk(flow.host, flow.port) is trunk

    def _outward_target(self, request: Request, routed: Routed) -> Flow:
        """Where a request from the softswitch goes: the flow of our token, or the address in the Request-URI.

        Phones are met on the flow that they registered over (RFC 5626 5.3), stream peers on their connection; inside
        a dialog over UDP the Contact counts, but only where a trunk has that address: nobody can aim us elsewhere.
        """
        token = routed.flow
        if token is not None and (token.transport != "udp" or not routed.in_dialog):
            return token
        address = self._router.address_flow(validate(request))
        if address is not None and self.settings.find_trunk(address.host, address.port) is not None:
            return address
        if token is None:
            raise Forbidden("the Request-URI is at no trunk's address")
        return token

    def _check_relay(self, request: Request, routed: Routed, trunk: Trunk) -> None:
        """Everything from outside goes to the softswitch and nowhere else, whatever its headers ask for."""
        uri = cached_uri(request.uri)  # a strict router's was repaired
        if "route" in request.names:
            raise Forbidden("Route leads past this proxy")
        if request.method == "REGISTER" and trunk.kind != "access":
            raise Forbidden("registration on a trunk")
        domains = self.settings.domains
        served = "*" in domains or not isinstance(uri, SipUri) or uri.host in domains or self._router.is_own(uri)
        if not served and not routed.in_dialog:
            raise Forbidden("domain not served here")

    def _check_merged(self, context: ResponseContext, request: Request) -> None:
        """The same request by another way (RFC 3261 8.2.2.2): the callee shall be asked once."""
        if request.to.tag is not None:
            return
        key = (request.method, request.call_id, request.from_.tag or "", request.line("cseq"), request.uri)
        if key in self._merged:
            raise LoopDetected("merged request")
        self._merged.add(key)
        context.merge_key = key

    def _authenticate(self, request: Request, routed: Routed, flow: Flow, now: float) -> Subscriber | None:
        """Who makes a request from a trunk that asks for credentials; None where they are not needed."""
        in_dialog = request.to.tag is not None
        vouched = routed.in_dialog and in_dialog and routed.flow == flow and request.method != "MESSAGE"
        if vouched or request.method == "REGISTER":
            return None
        snapshot = self.policy.snapshot
        required = not snapshot.numbering.understand(request.uri).is_emergency
        find_user = snapshot.subscribers.find_user
        subscriber = self._authenticator.authenticate(request, find_user, now, required=required)
        judged = in_dialog or request.method in _JUDGED  # by the dialog, or by the policy
        if subscriber and not judged and claims_of_others(request, subscriber, snapshot.numbering):
            raise Forbidden("a number of somebody else's")
        return subscriber

    def _let_through(
        self, context: ResponseContext, request: Request, trunk: Trunk, now: float, subscriber: Subscriber | None
    ) -> bool:
        """Ask the policy; False where the call was answered here."""
        started = self.settings.stopwatch()
        policy = self.policy
        numbering, number = policy.snapshot.numbering, subscriber.number if subscriber else None
        call = Call.from_request(request, trunk, numbering, now + self.settings.epoch, number)
        claimed = ""
        if subscriber is not None and not call.callee.is_emergency:
            claimed = claims_of_others(request, subscriber, numbering)
        verdict = refusal(claimed) if claimed else policy.decide(call)
        context.record = CallRecord(call, request.call_id, verdict, self.settings.stopwatch() - started)
        self.counters[verdict.action] += 1
        if verdict.action in ("allow", "label"):
            return True
        response = refuse(request, verdict, self._new_tag(), call)
        self._respond_finally(context, response.status, bytes(response), now)
        return False

    def _clean_identity(self, forwarded: Request, side: Side) -> None:
        """Assert nothing for strangers, and keep a private identity from the phone (RFC 3325 5 and 7)."""
        if side != "switch" and side.auth == "digest":
            self._authenticator.forget_credentials(forwarded)
        if "p-asserted-identity" not in forwarded.names:
            return
        if side == "switch":
            if "id" in (forwarded.header("privacy") or "").lower().replace(" ", "").split(";"):
                forwarded.remove("p-asserted-identity")
        elif not side.trust_identity:
            forwarded.remove("p-asserted-identity")

    def _forward_ack(self, request: Request, via: Via, side: Side) -> None:
        """The ACK to a 2xx is a transaction of its own that nobody answers: sent on without state."""
        if _STATELESS_TAG in request.line("to"):
            return
        validate(request)
        fingerprint = loop_hash(request)
        self._router.check_loop(request, fingerprint)
        routed = self._router.take_own_routes(request)
        if side == "switch":
            target = self._outward_target(request, routed)
        else:
            target = self._switch
            self._check_relay(request, routed, side)
        branch = same_branch(request, via, fingerprint)
        forwarded = self._router.forward(request, target, branch)
        self._clean_identity(forwarded, side)
        self.outbox.append((target, bytes(forwarded)))

    def _cancel(self, request: Request, via: Via, key: tuple[str, ...], flow: Flow, now: float) -> None:
        """RFC 3261 16.10: answered here, and passed on to the branches as CANCELs of our own.

        One that finds no INVITE gets 481: sent on without state it would meet nothing, for nobody can tell the branch
        that its INVITE was sent on with.
        """
        validate(request)
        invite = self._layer.servers.get((*key[:-1], "INVITE"))
        if invite is None:
            self._reply_stateless(request, via, flow, 481)
            return
        server = self._layer.accept(key, request, response_flow(via, flow))
        self._answer(server, request, 200, now)
        context = invite.user
        if isinstance(context, ResponseContext) and context.final is None:
            self._cancel_branches(context, now)

    def _cancel_branches(self, context: ResponseContext, now: float) -> None:
        context.cancelled = True
        for client in context.branches:
            self._cancel_branch(client, now)

    def _cancel_branch(self, client: ClientTransaction, now: float) -> None:
        """Only after a provisional response (RFC 3261 9.1); the first one that comes brings us here again."""
        key = (client.key[0], "CANCEL")
        if client.state is State.PROCEEDING and client.request is not None and key not in self._layer.clients:
            self._layer.send(key, cancel_for(client.request), client.flow, now)
            self._layer.give_up_later(client, 64 * T1, now)

    # --- responses

    def _receive_response(self, response: Response, flow: Flow, now: float) -> None:
        line = response.lines[response.names.index("via")] if "via" in response.names else ""
        branch = line.partition(";branch=")[2].partition(";")[0].partition(",")[0].strip()
        cseq = response.header("cseq") or ""
        client = self._layer.clients.get((branch, cseq[cseq.rfind(" ") + 1 :]))
        if client is None or (flow[1] != client.flow[1] and self._side_of(flow) is None):
            self.counters["stray_response"] += 1  # RFC 6026 8.2: dropped
            return
        context = client.user
        if context is not None and response.names.count("via") < 2 and "," not in line:
            raise Unanswerable("response with no Via but ours")
        if not self._layer.receive_response(client, response, now):
            return
        if context is None:  # our own CANCEL
            return
        if context.cancelled:
            self._cancel_branch(client, now)
        status = response.status
        if status == 100:
            return
        if status < 200:
            if context.final is None:
                self._send_upstream(context, response, now)
        elif status < 300:
            if context.final is None or context.final < 300:
                self._send_upstream(context, response, now)
            self._cancel_others(context, client, now)
        else:
            context.add_final(response)
            if status >= 600:
                self._cancel_others(context, client, now)
            self._finish(context, now)

    def _cancel_others(self, context: ResponseContext, but: ClientTransaction, now: float) -> None:
        for client in context.branches:
            if client is not but:
                self._cancel_branch(client, now)

    def _finish(self, context: ResponseContext, now: float) -> None:
        """Send the best response once no branch can bring a better one (RFC 3261 16.7 steps 6 to 9)."""
        if context.final is not None or not context.all_answered:
            return
        best, request = context.best, context.server.request
        if best is None or request is None:
            return
        if best.status == 503:  # a lone 503 says that this proxy is out of service, which it is not
            best = request.reply(500, to_tag=self._new_tag())
        else:
            best.remove_first_value("via")
        self._respond_finally(context, best.status, bytes(best), now)

    def _send_upstream(self, context: ResponseContext, response: Response, now: float) -> None:
        response.remove_first_value("via")
        if response.status < 200:
            self._layer.respond(context.server, response.status, bytes(response), now)
        else:
            self._respond_finally(context, response.status, bytes(response), now)

    def _respond_finally(self, context: ResponseContext, status: int, response: bytes, now: float) -> None:
        if context.final is None:
            context.final = status
            if context.branches:
                self.pending -= 1
            self._let_go(context)
        self._layer.respond(context.server, status, response, now)

    def _let_go(self, context: ResponseContext) -> None:
        if context.record is not None:
            self.records.append(context.record.line(context.final))
            context.record = None
        if context.merge_key is not None:
            self._merged.discard(context.merge_key)
            context.merge_key = None
        context.best = None

    def _no_answer(self, client: ClientTransaction, now: float, status: int = 408) -> None:
        """Timers B, C and F, and broken transports."""
        context = client.user
        if not isinstance(context, ResponseContext) or context.final is not None:
            self._layer.abandon(client)
            return
        if client.state is State.PROCEEDING and not context.cancelled:
            self._cancel_branches(context, now)  # timer C (RFC 3261 16.8)
            return
        self._layer.abandon(client)
        request = context.server.request
        if request is None:
            return
        if request.method != "INVITE" and status == 408:
            # Nobody is waiting any more for a late 408 (RFC 4320 4.2).
            self.pending -= 1
            self._let_go(context)
            self._layer.abandon(context.server)
            return
        reply = request.reply(487 if context.cancelled else status, to_tag=self._new_tag())
        reply.insert(0, "Via", "")  # where our own stands in a received response
        context.add_final(reply)
        self._finish(context, now)

    # --- answers of our own

    def _new_tag(self) -> str:
        self._tag_count += 1
        return f"{self._tags}{self._tag_count:x}"

    def _answer(
        self,
        server: ServerTransaction,
        request: Request,
        status: int,
        now: float,
        headers: tuple[tuple[str, str], ...] = (),
        reason: str | None = None,
    ) -> None:
        response = request.reply(status, reason, headers, to_tag=self._new_tag())
        self._layer.respond(server, status, bytes(response), now)
        self.counters[f"answered_{status}"] += 1

    def _reply_stateless(
        self,
        request: Request,
        via: Via,
        flow: Flow,
        status: int,
        headers: tuple[tuple[str, str], ...] = (),
        reason: str | None = None,
    ) -> None:
        if request.method == "ACK":
            return
        response = request.reply(status, reason, headers, to_tag=_STATELESS_TAG + self._tags)
        self.outbox.append((response_flow(via, flow), bytes(response)))

    def _refuse_stranger(self, request: Request, via: Via, flow: Flow) -> None:
        self.counters["unknown_source"] += 1
        note_source(request, via, flow)
        self._reply_stateless(request, via, flow, 403)

    def _refuse_unreadable(self, error: SipError, flow: Flow) -> None:
        """Answer a broken request of a known source as far as it can be answered; silence for everything else."""
        self.counters["malformed"] += 1
        request = error.request
        if request is None or self._side_of(flow) is None:
            return
        if request.method == "ACK" or "via" not in request.names:
            return
        try:
            via = request.via
            to = response_flow(via, flow)
            if "received" not in via.params:  # it went wrong before the source was noted
                note_source(request, via, flow)
        except BadRequest:
            to = flow  # whoever sent that Via may recognise it
        reason = error.reason.encode("ascii", "replace").decode()
        response = request.reply(error.code, reason, error.headers, to_tag=_STATELESS_TAG + self._tags)
        self.outbox.append((to, bytes(response)))
