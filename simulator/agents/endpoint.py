"""A SIP user agent at one UDP address, sans-IO: transactions, dialog matching, and what is due later.

`receive`, `run_timers` and the commands put datagrams into the outbox, which `outgoing` empties; time is always an
argument, in seconds of one monotonic clock. What comes in goes to the application: new requests to `incoming`,
what belongs to a call to the listener of its leg (see `leg`).
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Protocol

from proxy.sip.errors import SipError
from proxy.sip.flow import Flow
from proxy.sip.message import Request, Response, broken_request, parse
from proxy.sip.transaction import ClientTransaction, ServerTransaction
from proxy.sip.transaction_layer import MAGIC_COOKIE, TransactionLayer, server_key
from proxy.sip.uri import hostport
from simulator.addresses import Address
from simulator.agents.scheduler import Scheduler

Headers = Iterable[tuple[str, str]]
Stamp = Callable[[float], None]  # told the moment at which a datagram leaves, not when it is repeated
OnResponse = Callable[[Response | None, float], None]  # None: the other side never answered

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, MESSAGE, UPDATE, REGISTER"
_UNDERSTOOD = frozenset({"path"})  # option tags that a Require may name


class CallSide(Protocol):
    """One side of a call, as its endpoint sees it: it takes the requests of its dialog, ACK and CANCEL."""

    def receive(self, incoming: Incoming, now: float) -> None:
        """Take a request within the dialog; neither ACK nor CANCEL."""

    def receive_ack(self, request: Request, now: float) -> None:
        """Take the ACK to a 2xx."""

    def receive_cancel(self, request: Request, now: float) -> None:
        """Take the CANCEL of the INVITE, which has been answered by itself."""


class Application(Protocol):
    """The user of an endpoint: it takes calls and registrations."""

    def incoming(self, request: Incoming, now: float) -> None:
        """A request outside any dialog; neither ACK nor CANCEL."""


class Incoming:
    """A request to us, and the means to answer it."""

    __slots__ = ("_endpoint", "_transaction", "leg", "repetitions", "request", "status")

    def __init__(self, endpoint: Endpoint, request: Request, transaction: ServerTransaction) -> None:
        self.request = request
        self.status = 0  # of the latest answer
        self.repetitions = 0  # how often the request came again before its final answer
        self.leg: CallSide | None = None  # of the call that this INVITE asks for
        self._endpoint = endpoint
        self._transaction = transaction

    @property
    def source(self) -> Address:
        """The address that answers go to."""
        return self._transaction.flow.host, self._transaction.flow.port

    def reply(
        self,
        status: int,
        now: float,
        *,
        reason: str | None = None,
        headers: Headers = (),
        body: bytes = b"",
        to_tag: str | None = None,
        stamp: Stamp | None = None,
    ) -> bytes:
        """Answer; returns what was sent, for `repeat`. Nothing is sent after a final answer."""
        if self.status >= 200:
            return b""
        self.status = status
        to_tag = to_tag or self._endpoint.new_tag()
        data = bytes(self.request.reply(status, reason, headers, to_tag=to_tag, body=body))
        self._endpoint.stamp(data, stamp)
        self._endpoint.transactions.respond(self._transaction, status, data, now)
        if status >= 200:
            self._transaction.tu = None  # which lives on for half a minute; this need not
        return data

    def abandon(self) -> None:
        """Never answer: a request other than INVITE has timed out at its sender by now (RFC 4320 4.2)."""
        self._endpoint.transactions.abandon(self._transaction)

    def repeat(self, data: bytes, now: float) -> None:
        """Send a 2xx again, as long as no ACK has come (RFC 3261 13.3.1.4)."""
        self._endpoint.transactions.respond(self._transaction, self.status, data, now)


class Endpoint:
    """One address; `legs` are the calls that it takes part in, by Call-ID and our tag."""

    def __init__(self, address: Address, application: Application) -> None:
        host, port = address
        self.address = address
        self.authority = hostport(host, port)
        self.application = application
        self.transactions = TransactionLayer()
        self.scheduler = Scheduler()
        self.legs: dict[tuple[str, str], CallSide] = {}
        self.unreadable = 0  # datagrams that were no SIP
        self._stamps: dict[int, Stamp] = {}  # by the identity of a datagram in the outbox
        self._names = map(f"{secrets.token_hex(5)}{{:x}}".format, itertools.count())

    def new_tag(self) -> str:
        """A tag, branch or Call-ID that this endpoint has not used."""
        return next(self._names)

    def forget(self) -> None:
        """Drop all that is under way: nobody hears us any more. Transactions would wait for half a minute."""
        self.transactions = TransactionLayer()
        self.scheduler = Scheduler()
        self.legs.clear()
        self._stamps.clear()

    # --- out

    def request(
        self, request: Request, to: Address, on_response: OnResponse, now: float, stamp: Stamp | None = None
    ) -> ClientTransaction:
        """Send a request, with our Via put on top, in a transaction of its own."""
        branch = MAGIC_COOKIE + self.new_tag()
        self.add_via(request, branch)
        transaction = self.transactions.send((branch, request.method), request, _flow(to), now)
        transaction.tu = on_response
        self.stamp(transaction.last, stamp)
        return transaction

    def add_via(self, request: Request, branch: str) -> None:
        """Put our Via on top; responses shall come to the port that the request left (RFC 3581)."""
        request.insert(0, "Via", f"SIP/2.0/UDP {self.authority};rport;branch={branch}")

    def send(self, data: bytes, to: Address, stamp: Stamp | None = None) -> None:
        """Send something outside any transaction: an ACK to a 2xx."""
        self.stamp(data, stamp)
        self.transactions.outbox.append((_flow(to), data))

    def stamp(self, data: bytes | None, stamp: Stamp | None) -> None:
        """Tell `stamp` when this very datagram, on its way into the outbox, leaves."""
        if stamp is not None:
            self._stamps[id(data)] = stamp

    def outgoing(self) -> Iterator[tuple[bytes, Address, Stamp | None]]:
        """Empty the outbox."""
        outbox, self.transactions.outbox = self.transactions.outbox, []
        for flow, data in outbox:
            yield data, (flow.host, flow.port), self._stamps.pop(id(data), None)

    # --- in

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """Take one datagram."""
        if len(data) <= 4:
            return  # keep-alive
        try:
            message = parse(data)
            if isinstance(message, Request):
                self._receive_request(message, source, now)
            else:
                self._receive_response(message, now)
        except SipError as error:
            self.unreadable += 1
            self._refuse(error, source)

    def _receive_response(self, response: Response, now: float) -> None:
        transaction = self.transactions.clients.get((response.via.branch or "", response.cseq.method))
        if transaction is not None and self.transactions.receive_response(transaction, response, now):
            on_response = transaction.tu
            if response.status >= 200 and transaction.key[1] != "INVITE":
                transaction.tu = None
            on_response(response, now)

    def _receive_request(self, request: Request, source: Address, now: float) -> None:
        via = request.via
        key = server_key(request, via)
        transaction = self.transactions.servers.get(key)
        if transaction is not None:
            if self.transactions.receive_again(transaction, request, now):
                self._receive_ack(request, now)
            elif transaction.tu is not None:
                transaction.tu.repetitions += 1
            return
        if request.method == "ACK":
            self._receive_ack(request, now)
            return
        port = source[1] if "rport" in via.params else via.port or 5060
        transaction = self.transactions.accept(key, _note_source(request, source), Flow("udp", source[0], port, 0))
        incoming = Incoming(self, request, transaction)
        transaction.tu = incoming
        unknown = [tag for tag in request.values("require") if tag not in _UNDERSTOOD]
        if request.method == "CANCEL":
            invite = self.transactions.servers.get((*key[:-1], "INVITE"))
            incoming.reply(200 if invite else 481, now)
            if invite is not None and invite.tu is not None and invite.tu.leg is not None:
                invite.tu.leg.receive_cancel(request, now)
        elif unknown:
            incoming.reply(420, now, headers=[("Unsupported", ", ".join(unknown))])
        elif (tag := request.to.tag) is None:
            self.application.incoming(incoming, now)
        elif (leg := self.legs.get((request.call_id, tag))) is not None:
            leg.receive(incoming, now)
        else:
            incoming.reply(481, now)

    def _receive_ack(self, request: Request, now: float) -> None:
        leg = self.legs.get((request.call_id, request.to.tag or ""))
        if leg is not None:
            leg.receive_ack(request, now)

    def _refuse(self, error: SipError, source: Address) -> None:
        """Answer a broken request where enough of it could be read."""
        request = broken_request(error)
        if request is not None and request.method != "ACK" and {"via", "call-id", "cseq"} <= set(request.names):
            self.send(bytes(request.reply(error.code, error.reason, error.headers)), source)

    # --- time

    def next_timer(self) -> float:
        """The moment to call `run_timers` next; infinity where nothing waits."""
        return min(self.transactions.next_timer(), self.scheduler.next())

    def run_timers(self, now: float) -> None:
        """Do what is due by now."""
        for transaction in self.transactions.run_timers(now):
            transaction.tu(None, now)
        self.scheduler.run(now)


@lru_cache(maxsize=4096)
def _flow(address: Address) -> Flow:
    return Flow("udp", *address, 0)


def _note_source(request: Request, source: Address) -> Request:
    """Write received and rport into the top Via (RFC 3261 18.2.1, RFC 3581 4)."""
    via, (host, port) = request.via, source
    first, comma, rest = request.headers("via")[0].partition(",")
    if "rport" in via.params:
        first = first.replace(";rport", f";rport={port};received={host}", 1)
    elif via.host.strip("[]") != host:
        first += f";received={host}"
    else:
        return request
    request.replace("Via", first + comma + rest)
    return request
