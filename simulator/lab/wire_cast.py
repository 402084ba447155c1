"""Wire agents as a cast: an agent on each trunk, the subscribers' phones, and the numbers outside.

A run may have a hundred thousand calls: of those that ended only what will be asked is kept.

On Linux each trunk has an address of its own in 127.0.0.0/8; elsewhere only 127.0.0.1 can be bound, and the proxy tells
trunks by their port.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from contextlib import ExitStack
from typing import Self

from simulator.addresses import Address
from simulator.agents.orders import Credentials, OutgoingCall
from simulator.agents.tap import Tap
from simulator.agents.wire import WirePhones, WireTrunk
from simulator.errors import LabError
from simulator.judging.evidence import CallerSaw, Evidence, PhoneSaw
from simulator.lab.cast import OnEnded
from simulator.lab.company import Company
from simulator.lab.directions import behaviour_of, order_of
from simulator.lab.lab_spec import LOCALHOST, LabSpec, digest_user
from simulator.lab.surroundings import phone_of
from simulator.traffic.planned_call import PlannedCall

_NOWHERE = (LOCALHOST, 9)  # next hop of agents until theirs is known
_GLANCE = 0.01  # seconds between two looks at how far calls are


class WireCast:
    """The wire agents of one lab; an async context manager, which opens their sockets. `begin` has the phones register.

    A `tap` hears their messages. Raises OSError where an address cannot be had.
    """

    def __init__(self, spec: LabSpec, on_ended: OnEnded, tap: Tap | None = None) -> None:
        self._spec = spec
        self._on_ended = on_ended
        self._tap = tap
        self._sockets = ExitStack()
        self._trunks: dict[str, WireTrunk] = {}
        self._under_way: dict[str, tuple[OutgoingCall, float]] = {}
        self._ended: dict[str, CallerSaw] = {}
        self._read: set[str] = set()  # calls of which the scenario asks what their headers say
        self._company = Company()

    async def __aenter__(self) -> Self:
        with ExitStack() as opened:
            self._outside = WirePhones((_loopback(9), 0), _NOWHERE, any_number=True, tap=self._tap)
            opened.callback(self._outside.close)
            for index, (name, kind) in enumerate(self._spec.trunks.items(), start=1):
                agent = WirePhones if kind == "access" else WireTrunk
                self._trunks[name] = agent((_loopback(index), 0), _NOWHERE, self._call_ended, tap=self._tap)
                opened.callback(self._trunks[name].close)
            self._sockets = opened.pop_all()
        self._phones = next(trunk for trunk in self._trunks.values() if isinstance(trunk, WirePhones))
        for phones in self.phones:
            phones.keep_text_where(self._is_read)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sockets.close()

    @property
    def trunks(self) -> dict[str, Address]:
        """The address of each trunk's agent, by the trunk's name."""
        return {name: trunk.address for name, trunk in self._trunks.items()}

    @property
    def phones(self) -> tuple[WirePhones, WirePhones]:
        """Those of the subscribers, and those of all other numbers."""
        return self._phones, self._outside

    @property
    def outside(self) -> Address:
        """The address that answers for every number that is no subscriber's."""
        return self._outside.address

    async def begin(self, next_hop: Address, elsewhere: Collection[str] = ()) -> None:
        """Send all calls to `next_hop` from now on, and have the phones register there.

        The phones of the subscribers named in `elsewhere` are not these. Raises LabError where one cannot register.
        """
        for agent in self._agents():
            agent.next_hop = next_hop
        subscribers = self._spec.subscribers
        failures = await self._phones.register(
            phone_of(self._spec, name) for name in subscribers if name not in elsewhere
        )
        if failures:
            first = failures[0]
            raise LabError(
                f"{len(failures)} of {len(subscribers)} phones could not register; "
                f"the first is {first.phone.user}: {first.status or 'no answer'}"
            )

    def keep_company(self, company: Company) -> None:
        """Have somebody attend to the phones, and to the calls that are placed, from now on."""
        self._company = company
        numbers = [each.number for each in self._spec.subscribers.values()]
        owners = ((number, company.owner(number)) for number in numbers)
        self._phones.owners.update((number, owner) for number, owner in owners if owner is not None)
        self._outside.belong_to(company.stranger())

    async def enrol(self, names: Collection[str], *, expires: int = 3600) -> None:
        """Have phones of these subscribers register again, or with `expires` 0 no longer be registered."""
        await self._phones.register((phone_of(self._spec, name) for name in names), expires=expires)

    def flush(self) -> None:
        """Send what commands to calls have left to be sent."""
        for agent in self._agents():
            agent.flush()

    @property
    def ended(self) -> int:
        """The number of placed calls that have ended."""
        return len(self._ended)

    @property
    def problems(self) -> list[str]:
        """The datagrams that the kernel did not take."""
        unsent = sum(agent.unsent for agent in self._agents())
        return [f"{unsent} datagrams that this machine did not let the agents send"] if unsent else []

    def expect(self, call: PlannedCall) -> None:
        """Have the phone, or the number outside, do what is planned.

        It goes by the Call-ID, where that is known before: a real phone's is PJSIP's own choice.
        """
        behaviour = behaviour_of(call)
        for phones in self.phones:
            if call.agent == "wire":
                phones.for_call[call.id] = behaviour
            else:
                phones.for_number[call.callee] = behaviour

    def place(self, call: PlannedCall, due: float) -> None:
        """Have the trunk's agent call, or send its text, now."""
        order, sound, listener = self._company.goes_along(call, order_of(call, self._credentials(call)))
        if call.expect is not None and (call.expect.caller_sees or call.expect.phone_sees):
            self._read.add(call.id)
        placed = self._trunks[call.trunk].place(order, sound=sound, listener=listener)
        self._under_way[call.id] = placed, due

    def hang_up(self) -> None:
        """End all calls under way."""
        for call_id in tuple(self._under_way):
            for trunk in self._trunks.values():
                trunk.hang_up(call_id)

    async def all_set_up(self) -> None:
        """Wait until every caller has heard ringing, or the final answer."""
        for placed, _ in tuple(self._under_way.values()):
            while placed.ringing is placed.final is placed.ended is None:  # noqa: ASYNC110 - agents know no event loop
                await asyncio.sleep(_GLANCE)

    async def idle(self) -> None:
        """Wait until every call placed has ended."""
        for trunk in self._trunks.values():
            await trunk.idle()

    def saw(self, call: PlannedCall) -> Evidence | None:
        """Return what both sides' sockets saw; None where no call was placed."""
        saw = self._ended.get(call.id)
        if saw is None:
            if call.id not in self._under_way:
                return None
            saw = self._caller_saw(*self._under_way[call.id])
        return Evidence(call.id, saw, self.phone_saw(call, call.id))

    def phone_saw(self, call: PlannedCall, call_id: str) -> PhoneSaw:
        """Return what the phones' sockets, or the one outside, saw of it."""
        taken = [each for phones in self.phones for each in phones.taken.get(call_id, ()) if each.method == call.method]
        if not taken:
            return PhoneSaw()
        wanted = call.expect is not None and call.expect.phone_sees
        lines = tuple(taken[0].lines) if wanted else ()
        return PhoneSaw(len(taken), taken[0].received, taken[0].status, lines=lines)

    def forget(self) -> None:
        """Let go of what both sides saw."""
        self._ended.clear()
        self._under_way.clear()
        for phones in self.phones:
            phones.taken.clear()

    def forget_call(self, call_id: str) -> None:
        """Let go of what is known of a call that has ended, and that nobody will ask about any more."""
        self._ended.pop(call_id, None)
        self._read.discard(call_id)
        for phones in self.phones:
            phones.for_call.pop(call_id, None)
            phones.taken.pop(call_id, None)

    def _agents(self) -> tuple[WireTrunk, ...]:
        return (*self._trunks.values(), self._outside)

    def _is_read(self, call_id: str) -> bool:
        """True where the headers of a call may be asked for: of a real phone's its Call-ID says nothing."""
        return call_id in self._read or call_id not in self._under_way

    def _call_ended(self, placed: OutgoingCall) -> None:
        call = placed.order.call_id
        saw = self._ended[call] = self._caller_saw(*self._under_way.pop(call))
        self._on_ended(call, saw)

    def _caller_saw(self, placed: OutgoingCall, due: float) -> CallerSaw:
        return CallerSaw(
            due,
            placed.sent,
            placed.ringing,
            placed.final,
            placed.status,
            placed.retransmissions,
            placed.error,
            tuple(placed.refusal) if placed.order.call_id in self._read else (),
        )

    def _credentials(self, call: PlannedCall) -> Credentials | None:
        """The proof of who a subscriber's phone is, where the trunk asks for one."""
        name = call.caller_name
        if name is None or call.trunk not in self._spec.digest_trunks:
            return None
        own = self._spec.subscribers[name]
        return Credentials(digest_user(name, own), own.password)


def _loopback(index: int) -> str:
    """An address of its own for each trunk where the system has all of 127.0.0.0/8."""
    return f"127.0.{index}.1" if sys.platform == "linux" else LOCALHOST
