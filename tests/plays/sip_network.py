"""A network without sockets: endpoints that exchange datagrams in no time on a clock that the test turns."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from proxy.sip.message import Request, Response, parse
from simulator.addresses import Address
from simulator.agents.endpoint import Application, Endpoint, Incoming
from simulator.agents.leg import Leg, LegListener
from simulator.agents.listening import CallListener, Sound
from simulator.agents.orders import Order, OutgoingCall
from simulator.agents.registration import Failure, Registration, WirePhone
from simulator.agents.uac import UacCall, UacText
from simulator.agents.uas import Phones

Message = Request | Response
CALLER, SWITCH, PHONES, FAR = ("127.0.1.1", 5060), ("127.0.0.1", 5080), ("127.0.0.9", 5060), ("127.0.0.7", 5060)


def name(message: Message) -> str:
    """`INVITE` or `200 INVITE`."""
    return message.method if isinstance(message, Request) else f"{message.status} {message.cseq.method}"


class Network:
    """Carries datagrams between endpoints and `strangers`, whose mail it keeps. `loses` names what gets lost."""

    def __init__(self) -> None:
        self.now = 100.0
        self.endpoints: dict[Address, Endpoint] = {}
        self.log: list[tuple[float, Address, Address, Message]] = []
        self.loses: Callable[[Message], bool] = lambda _: False

    def attach(self, address: Address, application: Application) -> Endpoint:
        """A new endpoint at that address."""
        self.endpoints[address] = endpoint = Endpoint(address, application)
        return endpoint

    def settle(self) -> None:
        """Deliver until nothing moves."""
        moving = True
        while moving:
            moving = False
            for address, endpoint in list(self.endpoints.items()):
                for data, to, stamp in endpoint.outgoing():
                    moving = True
                    if stamp is not None:
                        stamp(self.now)
                    message = parse(data)
                    self.log.append((self.now, address, to, message))
                    if not self.loses(message) and to in self.endpoints:
                        self.endpoints[to].receive(data, address, self.now)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        self.settle()
        while (due := min(endpoint.next_timer() for endpoint in self.endpoints.values())) <= end:
            self.now = max(self.now, due)
            for endpoint in self.endpoints.values():
                endpoint.run_timers(self.now)
            self.settle()
        self.now = end

    def inject(self, text: str, to: Address, source: Address) -> list[Message]:
        """Deliver raw text (lines end in LF) from a stranger; returns what was sent to it meanwhile."""
        before = len(self.log)
        self.endpoints[to].receive(text.replace("\n", "\r\n").encode(), source, self.now)
        self.settle()
        return [message for _, _, receiver, message in self.log[before:] if receiver == source]

    def between(self, one: Address, other: Address) -> list[str]:
        """The messages that passed between two addresses; `>` marks those of the first."""
        return [
            ("> " if sender == one else "< ") + name(message)
            for _, sender, receiver, message in self.log
            if {sender, receiver} == {one, other}
        ]

    def times(self, wanted: str, sender: Address) -> list[float]:
        """The times at which a message of that name left an address, in seconds since the start."""
        return [at - 100.0 for at, by, _, message in self.log if by == sender and name(message) == wanted]

    def last(self, wanted: str, sender: Address) -> Message:
        """The latest message of that name that left an address."""
        return [message for _, by, _, message in self.log if by == sender and name(message) == wanted][-1]


class Caller:
    """Places calls and texts."""

    def __init__(self, network: Network, address: Address = CALLER, next_hop: Address = SWITCH) -> None:
        self.network = network
        self.next_hop = next_hop
        self.endpoint = network.attach(address, self)
        self.ended: list[OutgoingCall] = []
        self._count = itertools.count(1)

    def call(self, callee: str = "+8613800138001", caller: str = "+6591234567", **details: object) -> UacCall:
        order = Order(f"call-{next(self._count)}", caller, callee, **details)  # type: ignore[arg-type]
        return UacCall(self, order, self.next_hop, self.network.now)

    def call_aloud(self, order: Order, sound: Sound | None, listener: CallListener) -> UacCall:
        """Call with a sound, and have somebody hear of it."""
        return UacCall(self, order, self.next_hop, self.network.now, sound=sound, listener=listener)

    def text(self, text: str, callee: str = "+8613800138001", **details: object) -> UacText:
        order = Order(f"text-{next(self._count)}", "+6591234567", callee, text=text, **details)  # type: ignore[arg-type]
        return UacText(self, order, self.next_hop, self.network.now)

    def call_ended(self, placed: OutgoingCall) -> None:
        self.ended.append(placed)

    def incoming(self, incoming: Incoming, now: float) -> None:
        incoming.reply(405, now)


class Handsets(Phones):
    """Phones with an endpoint; by default every number is one of theirs."""

    def __init__(self, network: Network, address: Address = PHONES, numbers: dict[str, str] | None = None) -> None:
        self.network = network
        self.endpoint = network.attach(address, self)
        super().__init__(self.endpoint, lambda user: user if numbers is None else numbers.get(user))

    def register(self, *phones: WirePhone, expires: int = 3600, next_hop: Address = SWITCH) -> list[Failure]:
        """Register with a switch that answers at once, and return the failures."""
        outcome: list[list[Failure]] = []
        self.register_later(outcome, *phones, expires=expires, next_hop=next_hop)
        self.network.settle()
        return outcome[0]

    def register_later(
        self, outcome: list[list[Failure]], *phones: WirePhone, expires: int = 3600, next_hop: Address = SWITCH
    ) -> None:
        """Start to register; the failures are appended when all is done."""
        domain = "ringfence.example"
        Registration(self.endpoint, phones, next_hop, outcome.append, self.network.now, domain=domain, expires=expires)


class Listener(LegListener):
    """Answers each INVITE with the statuses it was made with, and writes down what happens."""

    def __init__(self, network: Network, address: Address, *statuses: int) -> None:
        self.endpoint = network.attach(address, self)
        self.statuses = statuses
        self.heard: list[str] = []
        self.leg: Leg | None = None

    def incoming(self, incoming: Incoming, now: float) -> None:
        self.leg = Leg.take(self.endpoint, self, incoming)
        for status in self.statuses:
            self.leg.respond(status, now)

    def acknowledged(self, leg: Leg, request: Request, now: float) -> None:
        self.heard.append("acknowledged")

    def unacknowledged(self, leg: Leg, now: float) -> None:
        self.heard.append("unacknowledged")

    def cancelled(self, leg: Leg, request: Request, now: float) -> None:
        self.heard.append("cancelled")

    def hung_up(self, leg: Leg, request: Request, now: float) -> None:
        self.heard.append("hung up")

    def unanswered(self, leg: Leg, now: float) -> None:
        self.heard.append("unanswered")
