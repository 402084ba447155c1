"""The default softswitch: in process, a back-to-back user agent as Asterisk is one in SIP terms.

It registers phones and routes calls and texts to them, by way of their Path. The near side (A) and the far side
(B) are two dialogs with Call-IDs of their own; the far side carries `X-Ringfence-Call` with the near one's.
Media does not pass through it: the two sides' SDP is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from proxy.sip.headers import parse_name_addr
from proxy.sip.message import Message, Request, Response
from simulator.agents.dialog import address_header
from simulator.agents.endpoint import ALLOW, Address, Endpoint, Incoming, address_of
from simulator.agents.leg import CallUser, Leg
from simulator.agents.orders import CALL_HEADER
from simulator.agents.parties import user_of
from simulator.agents.udp import UdpEndpoint
from simulator.softswitch.registrar import Account, Registrar

__all__ = ["Account", "EmbeddedSwitch", "Switch"]

RING_TIME = 60.0  # seconds that a phone may ring
# What is said about a call or in it, and so passes from one side to the other.
_PASSED_ON = {
    name.lower(): name
    for name in (
        "Alert-Info",
        "Call-Info",
        "Content-Disposition",
        "Content-Type",
        "Date",
        "Diversion",
        "History-Info",
        "Identity",
        "Info-Package",
        "P-Asserted-Identity",
        "P-Early-Media",
        "Priority",
        "Privacy",
        "Reason",
        "Remote-Party-ID",
        "Retry-After",
        "Subject",
        "Warning",
    )
}
# A challenge or redirection of the far side is not for the near side to follow.
_NOT_PASSED_ON = frozenset({*range(300, 400), 401, 407})


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a call goes: Request-URI, Route and next hop."""

    uri: str
    path: tuple[str, ...]
    next_hop: Address


class Switch:
    """The switch without its socket.

    `resolve` turns what was dialled (the Request-URI's user part) into the user or number of an account; without
    one, accounts go by user, by number, and by number without its `+`. `outside` takes the calls to all others.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        *,
        resolve: Callable[[str], str | None] | None = None,
        outside: Address | None = None,
        realm: str = "ringfence.example",
        ring_time: float = RING_TIME,
    ) -> None:
        self.endpoint: Endpoint
        self.ring_time = ring_time
        self._accounts: dict[str, Account] = {}
        for account in accounts:
            for name in (account.number.removeprefix("+"), account.number, account.user):
                self._accounts[name] = account
        self._resolve = resolve
        self._outside = outside
        self.registrar = Registrar(realm, self._account_of)

    def incoming(self, incoming: Incoming, now: float) -> None:
        """A request outside any dialog."""
        method = incoming.request.method
        if method == "INVITE":
            Bridge(self, incoming, now)
        elif method == "MESSAGE":
            self._pass_text(incoming, now)
        elif method == "REGISTER":
            self.registrar.receive(incoming, now)
        elif method == "OPTIONS":
            incoming.reply(200, now, headers=[("Allow", ALLOW), ("Supported", "path")])
        else:
            incoming.reply(405, now, headers=[("Allow", ALLOW)])

    def route(self, request: Request, now: float) -> Destination | int:
        """Where a call or text goes, or the status that says why nowhere."""
        if hops_left(request) < 0:
            return 483
        dialled = user_of(request.uri)
        account = self._account_of(dialled)
        if account is None:
            if self._outside is None or not dialled:
                return 404
            host, port = self._outside
            return Destination(f"sip:{dialled}@{f'[{host}]' if ':' in host else host}:{port}", (), self._outside)
        binding = self.registrar.find(account, now)
        if binding is None:
            return 480
        first = parse_name_addr(binding.path[0]).uri if binding.path else binding.contact
        next_hop = address_of(first)
        return Destination(binding.contact, binding.path, next_hop) if next_hop else 480

    def _account_of(self, name: str) -> Account | None:
        account = self._accounts.get(name)
        if account is None and self._resolve is not None:
            account = self._accounts.get(self._resolve(name) or "")
        return account

    def _pass_text(self, incoming: Incoming, now: float) -> None:
        request = incoming.request
        destination = self.route(request, now)
        if isinstance(destination, int):
            incoming.reply(destination, now)
            return

        def received(response: Response | None, now: float) -> None:
            if response is None:
                incoming.abandon()
            elif response.status >= 200:
                incoming.reply(status_for(response), now, headers=passed_on(response), body=response.body)

        headers = [
            *onward(request, destination),
            ("From", f"{address_header(request.from_)};tag={self.endpoint.new_tag()}"),
            ("To", address_header(request.to)),
            ("Call-ID", self.endpoint.new_tag()),
            ("CSeq", "1 MESSAGE"),
        ]
        message = Request.build("MESSAGE", destination.uri, headers, request.body)
        self.endpoint.request(message, destination.next_hop, received, now)


class Bridge(CallUser):
    """One call: the near leg, the far leg, and what passes between them."""

    def __init__(self, switch: Switch, incoming: Incoming, now: float) -> None:
        request = incoming.request
        self._near = Leg.take(switch.endpoint, self, incoming)
        self._far: Leg | None = None
        destination = switch.route(request, now)
        if isinstance(destination, int):
            self._near.respond(destination, now)
            return
        self._near.respond(100, now)
        self._far = Leg.call(
            switch.endpoint,
            self,
            destination.uri,
            call_id=switch.endpoint.new_tag(),
            from_=address_header(request.from_),
            to=address_header(request.to),
            next_hop=destination.next_hop,
            now=now,
            headers=onward(request, destination),
            body=request.body,
        )
        self._ringing_ends = switch.endpoint.agenda.at(now + switch.ring_time, self._not_answered)

    def _other(self, leg: Leg) -> Leg | None:
        return self._far if leg is self._near else self._near

    def _not_answered(self, now: float) -> None:
        self._near.respond(480, now)
        if self._far is not None:
            self._far.hang_up(now)

    def progressed(self, _leg: Leg, response: Response, now: float) -> None:
        if response.status > 100:
            self._near.respond(
                response.status, now, reason=response.reason, headers=passed_on(response), body=response.body
            )

    def answered(self, leg: Leg, response: Response, now: float) -> None:
        self._ringing_ends.cancel()
        if self._near.over:
            leg.bye(now)
        else:
            self._near.respond(
                response.status, now, reason=response.reason, headers=passed_on(response), body=response.body
            )

    def acknowledged(self, leg: Leg, request: Request, now: float) -> None:
        if other := self._other(leg):
            other.acknowledge(now, headers=passed_on(request), body=request.body)

    def refused(self, _leg: Leg, response: Response, now: float) -> None:
        self._ringing_ends.cancel()
        status = status_for(response)
        reason = response.reason if status == response.status else None
        self._near.respond(status, now, reason=reason, headers=passed_on(response), body=response.body)

    def unanswered(self, leg: Leg, now: float) -> None:
        if leg is self._far:
            self._ringing_ends.cancel()
            self._near.respond(408, now)

    def cancelled(self, _leg: Leg, _request: Request, now: float) -> None:
        self._ringing_ends.cancel()
        if self._far is not None:
            self._far.hang_up(now)

    def hung_up(self, leg: Leg, request: Request, now: float) -> None:
        if other := self._other(leg):
            other.hang_up(now, headers=passed_on(request))

    def unacknowledged(self, leg: Leg, now: float) -> None:
        if other := self._other(leg):
            other.hang_up(now)

    def requested(self, leg: Leg, incoming: Incoming, now: float) -> None:
        """re-INVITE, UPDATE, INFO and MESSAGE go to the other side and their answers come back."""
        request, other = incoming.request, self._other(leg)
        if request.method == "OPTIONS":
            leg.answer(incoming, 200, now)
            return
        if other is None or request.method not in ("INVITE", "UPDATE", "INFO", "MESSAGE"):
            super().requested(leg, incoming, now)
            return

        if request.method == "INVITE":
            leg.answer(incoming, 100, now)

        def received(response: Response | None, now: float) -> None:
            if response is None and request.method != "INVITE":
                incoming.abandon()
            elif response is None:
                leg.answer(incoming, 408, now)
            else:
                leg.answer(incoming, status_for(response), now, headers=passed_on(response), body=response.body)

        other.request(request.method, now, received, headers=passed_on(request), body=request.body)


def passed_on(message: Message) -> list[tuple[str, str]]:
    """What the other side is to know of a message's headers."""
    return [
        (_PASSED_ON[name], value)
        for name in dict.fromkeys(message.names)
        if name in _PASSED_ON
        for value in message.headers(name)
    ]


def onward(request: Request, destination: Destination) -> list[tuple[str, str]]:
    """The headers with which a request outside a dialog goes on."""
    return [
        *(("Route", route) for route in destination.path),
        ("Max-Forwards", str(hops_left(request))),
        (CALL_HEADER, request.call_id),
        *passed_on(request),
    ]


def hops_left(request: Request) -> int:
    """Max-Forwards for the next hop; below 0 where there is none."""
    text = request.header("max-forwards") or "70"
    return min(int(text), 255) - 1 if text.isascii() and text.isdigit() else 69


def status_for(response: Response) -> int:
    """The status that the other side is to see."""
    return 480 if response.status in _NOT_PASSED_ON else response.status


class EmbeddedSwitch:
    """The switch on a UDP socket; needs a running event loop. Takes the arguments of `Switch` after `bind`."""

    def __init__(
        self,
        bind: Address,
        accounts: Iterable[Account],
        *,
        resolve: Callable[[str], str | None] | None = None,
        outside: Address | None = None,
        realm: str = "ringfence.example",
        ring_time: float = RING_TIME,
    ) -> None:
        """Open the socket. Raises OSError where the address is taken."""
        self._switch = Switch(accounts, resolve=resolve, outside=outside, realm=realm, ring_time=ring_time)
        self._udp = UdpEndpoint(bind, self._switch)
        self._switch.endpoint = self._udp.endpoint

    @property
    def address(self) -> Address:
        """Where it is bound."""
        return self._udp.address

    @property
    def legs(self) -> int:
        """Call sides under way."""
        return len(self._udp.endpoint.legs)

    def close(self) -> None:
        """Close the socket; calls under way end unheard."""
        self._udp.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
