"""The transaction layer (RFC 3261 section 17): matches messages to transactions and carries out what their tables say.

Sans-IO: what is to be sent gathers in `outbox`, time is an argument, and what the transaction user must hear of is
returned. A transaction user (the proxy core, or a user agent) does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from proxy.sip.flow import DEFAULT_PORTS, Flow
from proxy.sip.headers import Via, has_tag, split_values
from proxy.sip.message import Request, Response
from proxy.sip.timers import Timers
from proxy.sip.transaction import T1, T2, T4, ClientTransaction, Do, Event, ServerTransaction, State, Transaction

MAGIC_COOKIE: Final = "z9hG4bK"

_WAITS: Final[dict[Do, tuple[Event, float, float]]] = {
    # timer, seconds over unreliable and over reliable transports (RFC 3261 table 4, RFC 6026 8)
    Do.START_D: (Event.TIMER_D, 32.0, 0.0),
    Do.START_H: (Event.TIMER_H, 64 * T1, 64 * T1),
    Do.START_I: (Event.TIMER_I, T4, 0.0),
    Do.START_J: (Event.TIMER_J, 64 * T1, 0.0),
    Do.START_K: (Event.TIMER_K, T4, 0.0),
    Do.START_L: (Event.TIMER_L, 64 * T1, 64 * T1),
    Do.START_M: (Event.TIMER_M, 64 * T1, 64 * T1),
}
_RETRANSMISSIONS: Final[dict[Do, tuple[Event, float]]] = {
    # timer, longest interval in seconds
    Do.START_A: (Event.TIMER_A, 64 * T1),
    Do.START_E: (Event.TIMER_E, T2),
    Do.START_E_AT_T2: (Event.TIMER_E, T2),
    Do.START_G: (Event.TIMER_G, T2),
}
# Asked for at each message: a member had of its class takes five times as long.
_PASS_UP: Final = Do.PASS_UP
_SEND: Final = Do.SEND
_FAIL: Final = Do.FAIL
_START_C: Final = Do.START_C
_START_G: Final = Do.START_G
_START_E_AT_T2: Final = Do.START_E_AT_T2
_CALLING: Final = State.CALLING
_COMPLETED: Final = State.COMPLETED
_TERMINATED: Final = State.TERMINATED
_RECV_1XX: Final = Event.RECV_1XX
_REQUEST: Final = Event.REQUEST
_ACK: Final = Event.ACK
_TRYING_DUE: Final = Event.TRYING_DUE
_TIMER_A: Final = Event.TIMER_A
_TIMER_B: Final = Event.TIMER_B
_TIMER_C: Final = Event.TIMER_C
_TIMER_E: Final = Event.TIMER_E
_TIMER_F: Final = Event.TIMER_F
# How a status class reads as an event.
_RECEIVED: Final[tuple[Event, ...]] = (Event.RECV_1XX, Event.RECV_2XX, Event.RECV_FINAL)
_SENT: Final[tuple[Event, ...]] = (Event.SEND_1XX, Event.SEND_2XX, Event.SEND_FINAL)


def server_key(request: Request, via: Via) -> tuple[str, ...]:
    """The key of a server transaction (RFC 3261 17.2.3); an ACK has the key of its INVITE."""
    method = "INVITE" if request.method == "ACK" else request.method
    branch = via.params.get("branch")
    if branch and branch.startswith(MAGIC_COOKIE):
        return branch, via.host, str(via.port), method
    # An RFC 2543 client: the To tag of an ACK is ours and says nothing about the INVITE.
    cseq, from_tag = request.cseq, request.from_.tag
    return request.uri, from_tag or "", request.call_id, str(cseq.number), via.host, str(via.port), method


class TransactionLayer:
    """All transactions of one element, and their timers. `timer_c` is in seconds, over 3 minutes in RFC 3261.

    `receives` tells of a flow, at a time, whether somebody is there for certain: to others a final response to an
    INVITE is sent three times and no more, unless they ask again. Without it all are taken to be there.
    """

    def __init__(self, timer_c: float = 181.0, receives: Callable[[Flow, float], bool] | None = None) -> None:
        self.servers: dict[tuple[str, ...], ServerTransaction] = {}
        self.clients: dict[tuple[str, ...], ClientTransaction] = {}
        self.outbox: list[tuple[Flow, bytes]] = []
        self._over_streams: dict[Flow, set[Transaction]] = {}
        self._requests: set[int] = set()  # the request keys of server transactions
        self._timers: Timers[tuple[Transaction, Event]] = Timers()
        self._timer_c = timer_c
        self._receives = receives

    def __len__(self) -> int:
        return len(self.servers) + len(self.clients)

    # --- server side

    def accept(self, key: tuple[str, ...], request: Request, flow: Flow) -> ServerTransaction:
        """A new server transaction for a request that matched none. `flow` is where its responses go."""
        transaction = ServerTransaction(key, request, flow)
        self.servers[key] = transaction
        if transaction.reliable:
            self._over_streams.setdefault(flow, set()).add(transaction)
        return transaction

    def is_merged(self, transaction: ServerTransaction, request: Request) -> bool:
        """True where another transaction holds the same request, which came by another way (RFC 3261 8.2.2.2)."""
        key = hash((request.method, request.call_id, request.from_.tag, request.line("cseq"), request.uri))
        if key in self._requests:
            return True
        self._requests.add(key)
        transaction.request_key = key
        return False

    def may_come_again(self, transaction: ServerTransaction) -> None:
        """Take the next request that looks like this one for a new one: some clients answer challenges so."""
        if transaction.request_key is not None:
            self._requests.discard(transaction.request_key)
            transaction.request_key = None

    def schedule_trying(self, transaction: ServerTransaction, seconds: float, now: float) -> None:
        """Send 100 Trying unless something else has been sent by then: 0.2 s at the latest (RFC 3261 17.2.1)."""
        if seconds > 0:
            self._timers.start(seconds, (transaction, _TRYING_DUE), now)
        else:
            self._run(transaction, _TRYING_DUE, now)

    def receive_again(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """A request that matched a transaction: absorbed, or (an ACK to a 2xx) True: it is the user's to forward."""
        event = _ACK if request.method == "ACK" else _REQUEST
        return _PASS_UP in self._run(transaction, event, now)

    def respond(self, transaction: ServerTransaction, status: int, response: bytes, now: float) -> None:
        """Send a response in its transaction; it is dropped where the transaction is already past it."""
        self._run(transaction, _SENT[min(status // 100, 3) - 1], now, response)
        if status >= 200:
            if status >= 300 and transaction.request is not None:
                transaction.came_with_tag = has_tag(transaction.request.line("to"))
            transaction.request = None
            if status < 300 and transaction.key[-1] == "INVITE":
                transaction.last = None  # a 2xx is retransmitted by its UAS

    # --- client side

    def send(
        self, key: tuple[str, ...], request: Request, flow: Flow, now: float, timer_b: float = 64 * T1
    ) -> ClientTransaction:
        """Send a request in a new client transaction; `key` is its branch and method, `timer_b` lasts B or F (s)."""
        transaction = ClientTransaction(key, request, flow, timer_b)
        transaction.last = data = request.encoded()
        self.clients[key] = transaction
        if transaction.reliable:
            self._over_streams.setdefault(flow, set()).add(transaction)
        self.outbox.append((flow, data))
        transaction.deadline = now + timer_b
        if transaction.reliable or timer_b <= T1:
            self._start_time_out(transaction, timer_b)
        else:
            transaction.interval = T1
            self._timers.start(T1, (transaction, _TIMER_A if request.method == "INVITE" else _TIMER_E), now)
        return transaction

    def _start_time_out(self, transaction: ClientTransaction, seconds: float) -> None:
        """Start timer B or F, so long before its end. Over UDP timer A or E has that done at its first end: few
        transactions stand until then without an answer."""
        timer = _TIMER_B if transaction.key[1] == "INVITE" else _TIMER_F
        self._timers.start(seconds, (transaction, timer), transaction.deadline - seconds)

    def receive_response(self, transaction: ClientTransaction, response: Response, now: float) -> bool:
        """True where the transaction user must see the response; else it was a retransmission."""
        event = _RECEIVED[min(response.status // 100, 3) - 1]
        before = transaction.state
        done = self._run(transaction, event, now, received=response)
        if event is not _RECV_1XX:
            if transaction.state is not _COMPLETED or transaction.key[1] != "INVITE":
                transaction.request = transaction.last = None
        elif transaction.key[1] == "INVITE" and (before is _CALLING or response.status != 100):
            if not transaction.given_up:  # ringing on after a CANCEL gains no time
                transaction.deadline = now + self._timer_c
            if before is _CALLING and transaction.interval != T1:  # else timer A is about to end, and starts it
                self._timers.start(self._timer_c, (transaction, _TIMER_C), now)
        return _PASS_UP in done

    def connection_lost(self, flow: Flow) -> list[ClientTransaction]:
        """The client transactions that used this stream, for their user to fail. Responses that were to go over it go
        to the port of their Via, over a new one (RFC 3261 18.2.2)."""
        held = self._over_streams.get(flow, ())
        for server in [one for one in held if isinstance(one, ServerTransaction)]:
            port = server.key[-2]  # sent-by, in either kind of key
            self._leave_stream(server)
            server.flow = flow._replace(port=DEFAULT_PORTS[flow.transport] if port == "None" else int(port))
            if server.flow != flow:
                self._over_streams.setdefault(server.flow, set()).add(server)
        return [one for one in held if isinstance(one, ClientTransaction)]

    def fail(self, transaction: Transaction, now: float) -> bool:
        """The transport could not deliver. True where the transaction user must act as on a time-out."""
        return Do.FAIL in self._run(transaction, Event.TRANSPORT_ERROR, now)

    def start_cancel_timer(self, transaction: ClientTransaction, seconds: float, now: float) -> None:
        """Have `run_timers` yield a ringing INVITE again: a cancelled one may stay unanswered (RFC 3261 9.1)."""
        transaction.deadline = now + seconds
        transaction.given_up = True
        self._timers.start(seconds, (transaction, Event.TIMER_C), now)

    def abandon(self, transaction: Transaction) -> None:
        """End a transaction that will get no answer."""
        transaction.state = State.TERMINATED
        self._forget(transaction)

    # --- time

    def next_timer(self) -> float:
        """The moment to call `run_timers` next; infinity where nothing waits."""
        return self._timers.next()

    def run_timers(self, now: float) -> Iterator[ClientTransaction]:
        """Let due timers fire. Yields the client transactions that got no answer: state TERMINATED where nothing
        came (timers B and F), PROCEEDING where an INVITE rang too long (timer C)."""
        for transaction, event in self._timers.due(now):
            if event not in transaction.table[transaction.state]:
                continue  # most come to nothing: what they were for has happened
            if isinstance(transaction, ClientTransaction):
                if event is _TIMER_C and transaction.state is State.PROCEEDING and now < transaction.deadline:
                    # A provisional response put it off (RFC 3261 16.7 step 2). Late by an eighth is within the rule.
                    self._timers.start(self._timer_c / 8, (transaction, event), now)
                elif _FAIL in self._run(transaction, event, now):
                    yield transaction
                    if transaction.state is _TERMINATED:
                        self._forget(transaction)
            else:
                self._run(transaction, event, now)

    def _run(
        self, transaction: Transaction, event: Event, now: float, sent: bytes = b"", received: Response | None = None
    ) -> tuple[Do, ...]:
        done = transaction.step(event)
        for act in done:
            if act is _PASS_UP:
                continue
            if act is _SEND:
                transaction.last = sent
                self.outbox.append((transaction.flow, sent))
            elif (waits := _WAITS.get(act)) is not None:
                timer, unreliable, reliable = waits
                wait = reliable if transaction.reliable else unreliable
                if wait:
                    self._timers.start(wait, (transaction, timer), now)
                else:
                    transaction.step(timer)
            elif act is Do.RESEND:
                if transaction.last is not None:
                    self.outbox.append((transaction.flow, transaction.last))
            elif act is Do.SEND_ACK:
                if transaction.request is not None and received is not None:
                    transaction.last = bytes(ack_for(transaction.request, received))
                    transaction.request = None
                if transaction.last is not None:
                    self.outbox.append((transaction.flow, transaction.last))
            elif act is Do.SEND_TRYING:
                if transaction.last is None and transaction.request is not None:
                    transaction.last = bytes(transaction.request.reply(100))
                    self.outbox.append((transaction.flow, transaction.last))
            elif act in _RETRANSMISSIONS:
                self._retransmit_later(transaction, act, now)
            elif act is _START_C and transaction.interval == T1 and isinstance(transaction, ClientTransaction):
                if transaction.given_up:
                    continue
                self._timers.start(self._timer_c, (transaction, _TIMER_C), transaction.deadline - self._timer_c)
        if transaction.state is _TERMINATED and _FAIL not in done:  # a failed one its user sees first
            self._forget(transaction)
        return done

    def _retransmit_later(self, transaction: Transaction, act: Do, now: float) -> None:
        """Timers A, E and G: at first T1, then twice the last interval; E and G at most T2."""
        if transaction.reliable:
            return
        event, longest = _RETRANSMISSIONS[act]
        enough = act is _START_G and transaction.interval >= 2 * T1
        if enough and self._receives is not None and not self._receives(transaction.flow, now):
            return
        if transaction.interval == T1 and isinstance(transaction, ClientTransaction) and transaction.timeout > T1:
            self._start_time_out(transaction, transaction.timeout - T1)
        if act is _START_E_AT_T2:
            transaction.interval = T2
        else:
            transaction.interval = min(2 * transaction.interval, longest) or T1
        self._timers.start(transaction.interval, (transaction, event), now)

    def _forget(self, transaction: Transaction) -> None:
        if isinstance(transaction, ClientTransaction):
            self.clients.pop(transaction.key, None)
        elif isinstance(transaction, ServerTransaction):
            self.servers.pop(transaction.key, None)
            self.may_come_again(transaction)
        if transaction.reliable:
            self._leave_stream(transaction)
        transaction.request = transaction.last = transaction.tu = None

    def _leave_stream(self, transaction: Transaction) -> None:
        if (others := self._over_streams.get(transaction.flow)) is not None:
            others.discard(transaction)
            if not others:
                del self._over_streams[transaction.flow]


def ack_for(invite: Request, response: Response) -> Request:
    """The ACK to a non-2xx final response (RFC 3261 17.1.1.3)."""
    return _within_transaction("ACK", invite, response.header("to") or "")


def cancel_for(invite: Request, reasons: Iterable[str] = ()) -> Request:
    """The CANCEL of an INVITE (RFC 3261 9.1), with Reasons (RFC 3326)."""
    cancel = _within_transaction("CANCEL", invite, invite.header("to") or "")
    for reason in reasons:
        cancel.insert(len(cancel.lines) - 1, "Reason", reason)
    return cancel


def _within_transaction(method: str, invite: Request, to: str) -> Request:
    routes = [("Route", value) for value in invite.headers("route")]
    return Request.build(
        method,
        invite.uri,
        [
            ("Via", split_values(invite.header("via") or "")[0]),
            ("Max-Forwards", "70"),
            *routes,
            ("From", invite.header("from") or ""),
            ("To", to),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{invite.cseq.number} {method}"),
        ],
    )
