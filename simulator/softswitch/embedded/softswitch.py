"""The default softswitch: in process, a back-to-back user agent as Asterisk is one in SIP terms.

It registers phones and routes calls and texts to them, by way of their Path. The near side (A) and the far side
(B) are two dialogs with Call-IDs of their own; the far side carries `X-Ringfence-Call` with the near one's.
Media does not pass through it, except in the calls that it takes part in itself (see `services`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from proxy.core.treatment import is_dialable
from proxy.sip.digest import ALGORITHMS
from proxy.sip.headers import parse_name_addr
from proxy.sip.message import Request, Response
from proxy.sip.uri import hostport
from simulator.addresses import Address, address_of
from simulator.agents.dialog import address_header
from simulator.agents.endpoint import ALLOW, Endpoint, Incoming
from simulator.agents.tap import Tap
from simulator.agents.uas import user_part
from simulator.agents.udp import UdpEndpoint
from simulator.media.ports import RtpMedia
from simulator.media.prompts import prompt
from simulator.softswitch.embedded.b2bua import B2bua
from simulator.softswitch.embedded.media_leg import Studio
from simulator.softswitch.embedded.passthrough import Destination, hops_left, onward, passed_on, shown_from, status_for
from simulator.softswitch.embedded.registrar import Account, Binding, Registrar
from simulator.softswitch.embedded.services import asks_for_service, serve

__all__ = ["Account", "EmbeddedSoftswitch", "Softswitch"]

RING_TIME = 60.0  # seconds that a phone may ring
MOST_PHONES = 5  # of one subscriber that ring for a call


class Softswitch:
    """The switch without its socket.

    `resolve` turns what was dialled (the Request-URI's user part) into the user or number of an account; without
    one, accounts go by user, by number, and by number without its `+`. `outside` takes the calls to all others.
    `arrivals`, where given, is told when the INVITE of each call came, by Call-ID; not of one
    that was challenged before.
    Services need a `studio`; without one their user parts are numbers of nobody.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        *,
        resolve: Callable[[str], str | None] | None = None,
        outside: Address | None = None,
        realm: str = "ringfence.example",
        algorithms: tuple[str, ...] = tuple(ALGORITHMS),
        ring_time: float = RING_TIME,
        studio: Studio | None = None,
        arrivals: dict[str, float] | None = None,
    ) -> None:
        self.endpoint: Endpoint
        self.ring_time = ring_time
        self._studio = studio
        self._accounts: dict[str, Account] = {}
        for account in accounts:
            for name in (account.number.removeprefix("+"), account.number, account.user):
                self._accounts[name] = account
        self._resolve = resolve
        self._outside = outside
        self._arrivals = arrivals
        self.registrar = Registrar(realm, self._account_of, algorithms)

    def incoming(self, incoming: Incoming, now: float) -> None:
        """A request outside any dialog."""
        method = incoming.request.method
        if method == "INVITE" and self._arrivals is not None and incoming.request.cseq.number == 1:
            self._arrivals.setdefault(incoming.request.call_id, now)
        if method == "INVITE" and self._studio is not None and asks_for_service(user_part(incoming.request.uri)):
            serve(self, self._studio, incoming, now)
        elif method == "INVITE":
            B2bua(self, incoming, now)
        elif method == "MESSAGE":
            self._pass_text(incoming, now)
        elif method == "REGISTER":
            self.registrar.receive(incoming, now)
        elif method == "OPTIONS":
            incoming.reply(200, now, headers=[("Allow", ALLOW), ("Supported", "path")])
        else:
            incoming.reply(405, now, headers=[("Allow", ALLOW)])

    def route(self, request: Request, dialled: str, now: float) -> list[Destination] | int:
        """The destinations of a call, one a phone with the latest first, or the status where there is none."""
        if hops_left(request) < 0:
            return 483
        if not is_dialable(dialled):
            return 404
        account = self._account_of(dialled)
        if account is None:
            if self._outside is None:
                return 404
            host, port = self._outside
            return [Destination(f"sip:{dialled}@{hostport(host, port)}", (), self._outside)]
        bindings = self.registrar.find(account, now)
        return [found for binding in bindings[:MOST_PHONES] if (found := _destination(binding))] or 480

    def contacts(self, number: str, now: float) -> list[str]:
        """The contacts of an account's phones, the latest first."""
        account = self._account_of(number)
        return [binding.contact for binding in self.registrar.find(account, now)] if account is not None else []

    def _account_of(self, name: str) -> Account | None:
        account = self._accounts.get(name)
        if account is None and self._resolve is not None:
            account = self._accounts.get(self._resolve(name) or "")
        return account

    def _pass_text(self, incoming: Incoming, now: float) -> None:
        request = incoming.request
        destinations = self.route(request, user_part(request.uri), now)
        if isinstance(destinations, int):
            incoming.reply(destinations, now)
            return
        destination = destinations[0]  # a text is read once

        def received(response: Response | None, now: float) -> None:
            if response is None:
                incoming.abandon()
            elif response.status >= 200:
                incoming.reply(status_for(response), now, headers=passed_on(response), body=response.body)

        headers = [
            *onward(request, destination),
            ("From", f"{shown_from(request)};tag={self.endpoint.new_tag()}"),
            ("To", address_header(request.to)),
            ("Call-ID", self.endpoint.new_tag()),
            ("CSeq", "1 MESSAGE"),
        ]
        message = Request.build("MESSAGE", destination.uri, headers, request.body)
        self.endpoint.request(message, destination.next_hop, received, now)


def _destination(binding: Binding) -> Destination | None:
    first = parse_name_addr(binding.path[0]).uri if binding.path else binding.contact
    next_hop = address_of(first)
    return Destination(binding.contact, binding.path, next_hop) if next_hop else None


class EmbeddedSoftswitch:
    """The switch on a UDP socket; needs a running event loop. Takes the arguments of `Softswitch` after `bind`.

    Recordings go to `folder`/recordings; without a folder nothing is recorded. A `tap` hears the messages.
    """

    def __init__(
        self,
        bind: Address,
        accounts: Iterable[Account],
        *,
        resolve: Callable[[str], str | None] | None = None,
        outside: Address | None = None,
        realm: str = "ringfence.example",
        algorithms: tuple[str, ...] = tuple(ALGORITHMS),
        ring_time: float = RING_TIME,
        folder: Path | None = None,
        tap: Tap | None = None,
        arrivals: dict[str, float] | None = None,
    ) -> None:
        """Open the socket. Raises OSError where the address is taken."""
        self._media = RtpMedia(bind[0], tap=tap)
        switch = Softswitch(
            accounts,
            resolve=resolve,
            outside=outside,
            realm=realm,
            algorithms=algorithms,
            ring_time=ring_time,
            studio=Studio(self._media, prompt, folder),
            arrivals=arrivals,
        )
        self._switch = switch
        self._udp = UdpEndpoint(bind, switch, tap)
        switch.endpoint = self._udp.endpoint
        self._media.after = self._udp.flush

    @property
    def address(self) -> Address:
        """The address that it is bound to."""
        return self._udp.address

    def contacts(self, number: str) -> list[str]:
        """The addresses under which an account's phones are registered now, the latest first; their URIs."""
        return self._switch.contacts(number, time.monotonic())

    @property
    def legs(self) -> int:
        """Call sides under way."""
        return len(self._udp.endpoint.legs)

    @property
    def ports(self) -> int:
        """Ports for sound in use."""
        return len(self._media.ports)

    @property
    def problems(self) -> list[str]:
        """The troubles with recordings, if any."""
        return self._media.problems

    def close(self) -> None:
        """Close all sockets; calls under way end unheard, their recordings are complete."""
        self._media.close()
        self._udp.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
