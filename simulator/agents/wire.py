"""Fast agents on our own codec: many numbers on one UDP socket, with the exact times of what passed there.

trunk = WireTrunk(("127.0.1.1", 0), next_hop=proxy)
placed = trunk.place(Order("c1", caller="+6591234567", callee="+8613800138001", talk=2.0))
await trunk.idle()

phones = WirePhones(("127.0.0.9", 0), next_hop=proxy)
failures = await phones.register([WirePhone("+8613800138001", "alice", "s3cret")])
phones.for_call["c1"] = Behaviour(after=1.0)
phones.taken["c1"][0].received
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Self

from simulator.addresses import Address
from simulator.agents.endpoint import ALLOW, Endpoint, Incoming
from simulator.agents.listening import NOBODY, CallListener, PhoneListener, Sound
from simulator.agents.orders import Behaviour, IncomingCall, Order, OutgoingCall
from simulator.agents.registration import Failure, Registration, WirePhone
from simulator.agents.tap import Tap
from simulator.agents.uac import UacCall, UacText
from simulator.agents.uas import Phones
from simulator.agents.udp import UdpEndpoint

__all__ = ["Behaviour", "Failure", "IncomingCall", "Order", "OutgoingCall", "WirePhone", "WirePhones", "WireTrunk"]


class WireTrunk:
    """Places calls and sends texts from one address. Needs a running event loop.

    `on_ended`, where given, is called with each record once nothing more will happen to it; a `tap` hears messages.
    """

    def __init__(
        self,
        bind: Address,
        next_hop: Address,
        on_ended: Callable[[OutgoingCall], None] | None = None,
        *,
        tap: Tap | None = None,
    ) -> None:
        """Open the socket. Raises OSError where the address is taken."""
        self.next_hop = next_hop
        self._udp = UdpEndpoint(bind, self, tap)
        self._on_ended = on_ended
        self._calls: dict[str, UacCall | UacText] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def address(self) -> Address:
        """The address that it is bound to."""
        return self._udp.address

    @property
    def endpoint(self) -> Endpoint:
        """The user agent on the socket."""
        return self._udp.endpoint

    @property
    def unsent(self) -> int:
        """Datagrams that the kernel did not take: a run with any has a fault of the generator."""
        return self._udp.unsent

    def place(self, order: Order, *, sound: Sound | None = None, listener: CallListener = NOBODY) -> OutgoingCall:
        """Call, or send a text, now. The record returned fills as things happen.

        A call may bring its `sound`, and a `listener` to hear of it at once.
        """
        if order.call_id in self._calls:
            raise ValueError(f"call {order.call_id!r} is under way already")
        now = time.monotonic()
        party: UacCall | UacText
        if order.text is None:
            party = UacCall(self, order, self.next_hop, now, sound=sound, listener=listener)
        else:
            party = UacText(self, order, self.next_hop, now)
        self._calls[order.call_id] = party
        self._idle.clear()
        self._udp.flush()
        return party.record

    def hang_up(self, call_id: str) -> None:
        """End a call of ours before its order says so; nothing where it has ended."""
        call = self._calls.get(call_id)
        if isinstance(call, UacCall):
            call.hang_up(time.monotonic())
            self._udp.flush()

    def flush(self) -> None:
        """Send what commands to calls have left to be sent."""
        self._udp.flush()

    async def idle(self) -> None:
        """Wait until everything placed has ended."""
        await self._idle.wait()

    def close(self) -> None:
        """Close the socket."""
        self._udp.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def call_ended(self, placed: OutgoingCall) -> None:
        """The party's word that a call is over."""
        self._calls.pop(placed.order.call_id, None)
        if not self._calls:
            self._idle.set()
        if self._on_ended is not None:
            self._on_ended(placed)

    def incoming(self, incoming: Incoming, now: float) -> None:
        """A trunk takes no calls, but says that it is there."""
        incoming.reply(200 if incoming.request.method == "OPTIONS" else 405, now, headers=[("Allow", ALLOW)])


class WirePhones(WireTrunk):
    """Subscribers' phones on one address: they register, take calls and texts, and place them too.

    With `any_number` it answers for every number, registered or not: the far end of outgoing calls.
    """

    def __init__(
        self,
        bind: Address,
        next_hop: Address,
        on_ended: Callable[[OutgoingCall], None] | None = None,
        *,
        any_number: bool = False,
        tap: Tap | None = None,
    ) -> None:
        super().__init__(bind, next_hop, on_ended, tap=tap)
        self._numbers: dict[str, str] = {}
        self._any_number = any_number
        self._taking = Phones(self.endpoint, self._number_of)
        self.taken = self._taking.taken
        self.for_call = self._taking.for_call
        self.for_number = self._taking.for_number
        self.owners = self._taking.owners

    def keep_text_where(self, wanted: Callable[[str], bool]) -> None:
        """Keep headers and bodies of those calls only that are `wanted`, asked of their Call-ID as they come."""
        self._taking.keeps_text = wanted

    def belong_to(self, others: PhoneListener | None) -> None:
        """Have somebody own all phones that are none of the `owners`'."""
        self._taking.others = others

    @property
    def otherwise(self) -> Behaviour:
        """The behaviour of phones that are told nothing else."""
        return self._taking.otherwise

    @otherwise.setter
    def otherwise(self, behaviour: Behaviour) -> None:
        self._taking.otherwise = behaviour

    async def register(
        self, phones: Iterable[WirePhone], *, domain: str = "ringfence.example", expires: int = 3600
    ) -> list[Failure]:
        """Register phones by way of `next_hop` and return those that failed. `expires` 0 de-registers them."""
        phones = list(phones)
        self._numbers |= {phone.user: phone.number for phone in phones}
        done: asyncio.Future[list[Failure]] = asyncio.get_running_loop().create_future()
        Registration(
            self.endpoint, phones, self.next_hop, done.set_result, time.monotonic(), domain=domain, expires=expires
        )
        self._udp.flush()
        return await done

    def incoming(self, incoming: Incoming, now: float) -> None:
        """Calls and texts come to the phones."""
        self._taking.incoming(incoming, now)

    def _number_of(self, user: str) -> str | None:
        return self._numbers.get(user) or (user if self._any_number else None)
