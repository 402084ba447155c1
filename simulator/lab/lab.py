"""Brings the chain up and down: softswitch, proxy, phones and trunk agents, all on loopback.

    caller agents --> proxy --> softswitch --> callee agents (phones register, and are called, through the proxy)

A direct lab is the same without the proxy. On Linux each trunk has an address of its own in 127.0.0.0/8; elsewhere
only 127.0.0.1 can be bound, and the proxy tells trunks by their port.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

from proxy.numbers.numbering import Numbering
from proxy.presets import preset
from simulator.addresses import Address
from simulator.agents.orders import Credentials, Order, Placed, Taken
from simulator.agents.pjsua.phones import PhoneError
from simulator.agents.wire import Behaviour, Phone, WirePhones, WireTrunk
from simulator.errors import LabError
from simulator.judging.audio_checks import PROVING_TALK, is_heard, unheard
from simulator.judging.header_checks import unseen
from simulator.judging.observation import CallerSaw, PhoneSaw
from simulator.lab.premises import CARD_KEY, LOCALHOST, Premises, user_of, write_files
from simulator.lab.proxy_forks import ProxyForks
from simulator.lab.proxy_process import ProxyProcess
from simulator.lab.published_card import Key, new_key, whose
from simulator.lab.real_phones import Part, RealPhones, callers
from simulator.loopback import free_port
from simulator.media.recordings import RECORDING_SERVICES, recording_path
from simulator.softswitch.embedded.switch import Account
from simulator.softswitch.kinds import Kind, softswitch
from simulator.traffic.plan import PlannedCall

_GLANCE = 0.01  # seconds between two looks at how far calls are
PATIENCE = 10.0  # seconds that a caller waits beyond the planned ringing time before it gives up
_WORRYING = {
    "overload": "calls that the proxy turned away because it held too many",
    "too_many_connections": "connections that the proxy turned away because it held too many",
    "internal_error": "messages that the proxy could not handle (a defect; see proxy.log)",
    "unknown_source": "messages from an address that the proxy knows no trunk for",
    "socket_error": "datagrams that the proxy could not send or receive",
}


class Lab:
    """One pass of a scenario. Use it as an async context manager; it comes down in all cases.

    `on_ended` is called with the id of each call once nothing more will happen to it.
    """

    def __init__(
        self,
        premises: Premises,
        calls: Iterable[PlannedCall],
        folder: Path,
        *,
        proxied: bool,
        on_ended: Callable[[str], None],
        switch: Kind = "embedded",
        forks: ProxyForks | None = None,
    ) -> None:
        self.premises = premises
        self.folder = folder
        self.proxied = proxied
        self.problems: list[str] = []
        self._switch_kind = switch
        self._forks = forks
        self._on_ended = on_ended
        self._stack = AsyncExitStack()
        self._trunks: dict[str, WireTrunk] = {}
        self._placed: dict[str, tuple[Placed, float]] = {}
        self._by_real_phones = tuple(call for call in calls if call.agent == "pjsua")
        self._real: RealPhones | None = None
        self._callers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except OSError as error:
            await self._stack.aclose()
            raise LabError(f"cannot open a socket on loopback: {error.strerror or error}") from error
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _open(self) -> None:
        enter = self._stack.enter_async_context
        subscribers = self.premises.subscribers
        nowhere = (LOCALHOST, 9)  # next hop of agents until theirs is known
        self._outside = await enter(WirePhones((_loopback(9), 0), nowhere, any_number=True))
        accounts = [Account(each.number, user_of(name, each), each.password) for name, each in subscribers.items()]
        self.switch = await enter(
            softswitch(self._switch_kind)(
                (LOCALHOST, 0),
                accounts,
                folder=self.folder if self.proxied else self.folder / "direct",
                resolve=lambda dialled: self._numbering.understand(dialled).e164,
                outside=self._outside.address,
            )
        )
        for index, (name, kind) in enumerate(self.premises.trunks.items(), start=1):
            agent = WirePhones if kind == "access" else WireTrunk
            self._trunks[name] = await enter(agent((_loopback(index), 0), nowhere, self._ended))
        next_hop = await self._start_proxy() if self.proxied else self.switch.address
        for trunk in (*self._trunks.values(), self._outside):
            trunk.next_hop = next_hop
        self.phones = next(trunk for trunk in self._trunks.values() if isinstance(trunk, WirePhones))
        real = await self._add_real_phones(next_hop) if self._by_real_phones else frozenset()
        failures = await self.phones.register(
            Phone(each.number, user_of(name, each), each.password)
            for name, each in subscribers.items()
            if name not in real
        )
        if failures:
            first = failures[0]
            raise LabError(
                f"{len(failures)} of {len(subscribers)} phones could not register; "
                f"the first is {first.phone.user}: {first.status or 'no answer'}"
            )

    async def _add_real_phones(self, next_hop: Address) -> frozenset[str]:
        """Bring up PJSIP for the calls that ask for it; returns the subscribers that have such a phone."""
        self._real = await self._stack.enter_async_context(RealPhones(next_hop, self._on_ended, self.folder))
        self._callers = callers(call for call in self._by_real_phones if self._own_phone(call) is None)
        called = {call.callee_name for call in self._by_real_phones if call.callee_name}
        calling = {self._caller_phone(call): self._trunks[call.trunk].address[0] for call in self._by_real_phones}
        try:
            having = called | calling.keys()
            subscribers = {name: each for name, each in self.premises.subscribers.items() if name in having}
            await asyncio.gather(
                *(
                    self._real.add(name, user_of(name, each), each.password, self.phones.address[0])
                    for name, each in subscribers.items()
                ),
                *(self._real.add_caller(name, bind) for name, bind in calling.items() if name not in subscribers),
            )
        except (PhoneError, TimeoutError) as error:
            raise LabError(f"a real phone (PJSIP) did not come up: {error}") from error
        return frozenset(called | calling.keys())

    def _ended(self, placed: Placed) -> None:
        self._on_ended(placed.order.call_id)

    def _caller_phone(self, call: PlannedCall) -> str:
        """The real phone that places a call: the subscriber's own, or one of its trunk."""
        return self._own_phone(call) or self._callers[call.id]

    def _own_phone(self, call: PlannedCall) -> str | None:
        return call.caller_name if isinstance(self._trunks[call.trunk], WirePhones) else None

    async def _start_proxy(self) -> Address:
        address = (LOCALHOST, free_port())
        key = new_key(self.folder / CARD_KEY) if self.premises.card else None
        trunks = {name: trunk.address for name, trunk in self._trunks.items()}
        config = write_files(self.premises, self.folder, address, self.switch.address, trunks)
        proxy = await ProxyProcess.start(config, self.folder / "proxy.observability.log", self._forks)
        self._stack.push_async_callback(self._stop_proxy, proxy)
        if key is not None:
            self._check_card(key)
        return address

    def _check_card(self, key: Key) -> None:
        """Look at the card as whoever is refused with 608 would."""
        try:
            name = whose(self.folder / "card.jws", key)
        except ValueError as error:
            raise LabError(str(error)) from error
        if self.premises.card is None or name != self.premises.card.name:
            raise LabError(f"the proxy signed a card of {name!r}")

    def place(self, call: PlannedCall, due: float) -> None:
        """Place a call now; `due` is when it should have been placed."""
        behaviour = _behaviour(call)
        if self._real is not None and call.agent == "pjsua":
            # Its Call-ID is PJSIP's own choice; a called wire phone goes by the number instead.
            self.phones.for_number[call.callee] = self._outside.for_number[call.callee] = behaviour
            part = Part(behaviour, call.phone_presses, recording_path(self.folder, "phone", call.id))
            self._real.place(self._caller_phone(call), _order(call), part, due, call.caller_presses)
            return
        if self._real is not None:
            self._real.expect(call.id, Part(behaviour))
        self.phones.for_call[call.id] = self._outside.for_call[call.id] = behaviour
        order = _order(call, self._credentials(call))
        self._placed[call.id] = self._trunks[call.trunk].place(order), due

    def _credentials(self, call: PlannedCall) -> Credentials | None:
        """With which a subscriber's phone proves who it is, where the trunk asks."""
        name = call.caller_name
        if name is None or call.trunk not in self.premises.digest_trunks:
            return None
        own = self.premises.subscribers[name]
        return Credentials(user_of(name, own), own.password)

    async def idle(self) -> None:
        """Wait until every call placed has ended."""
        for trunk in self._trunks.values():
            await trunk.idle()
        if self._real is not None:
            await self._real.idle()

    async def all_set_up(self) -> None:
        """Wait until every wire agent that placed a call has heard ringing, or the final answer."""
        for placed, _ in self._placed.values():
            while placed.ringing is placed.final is placed.ended is None:  # noqa: ASYNC110 - agents know no event loop
                await asyncio.sleep(_GLANCE)

    def hang_up(self) -> None:
        """End all calls of wire agents that are under way."""
        for placed, _ in self._placed.values():
            if placed.ended is None:
                for trunk in self._trunks.values():
                    trunk.hang_up(placed.order.call_id)

    @cached_property
    def _numbering(self) -> Numbering:
        """How the softswitch reads what is dialled."""
        return preset.numbering(self.premises.home, preset.load(self.premises.preset))

    @property
    def ended(self) -> int:
        """How many of the placed calls have ended."""
        wire = sum(placed.ended is not None for placed, _ in self._placed.values())
        return wire + (self._real.ended if self._real is not None else 0)

    def call_id(self, call: PlannedCall) -> str:
        """The Call-ID with which the call left the caller."""
        real = self._real.call_id(call.id) if self._real is not None and call.agent == "pjsua" else None
        return real or call.id

    def caller_saw(self, call: str) -> CallerSaw | None:
        """The call with this id as the caller's socket saw it; None where it was never placed."""
        if call not in self._placed:
            return self._real.caller_saw(call) if self._real is not None else None
        placed, due = self._placed[call]
        return CallerSaw(
            due,
            placed.sent,
            placed.ringing,
            placed.final,
            placed.status,
            placed.retransmissions,
            placed.error,
        )

    def phone_saw(self, call: PlannedCall) -> PhoneSaw:
        """The call as the callee's socket saw it."""
        if taken := self._taken(call):
            return PhoneSaw(len(taken), taken[0].received, taken[0].status)
        return self._real.phone_saw(self.call_id(call), call.method) if self._real is not None else PhoneSaw()

    def _taken(self, call: PlannedCall) -> list[Taken]:
        call_id = self.call_id(call)
        return [
            each
            for phones in (self.phones, self._outside)
            for each in phones.taken.get(call_id, ())
            if each.method == call.method
        ]

    def unseen(self, call: PlannedCall) -> tuple[str, ...]:
        """The header lines that the scenario wants seen and that a side did not see."""
        if (expect := call.expect) is None or not (expect.caller_sees or expect.phone_sees):
            return ()
        placed, taken = self._placed.get(call.id), self._taken(call)
        by_caller = unseen(expect.caller_sees, placed[0].refusal if placed else ())
        by_phone = unseen(expect.phone_sees, taken[0].lines if taken else ())
        return (
            *(f"the caller saw no {text}" for text in by_caller),
            *(f"the phone saw no {text}" for text in by_phone),
        )

    def unheard(self, call: PlannedCall) -> tuple[str, ...]:
        """Sounds that the scenario wants heard and that were not, by recordings that are whole once the lab is down."""
        if (expect := call.expect) is None:
            return ()
        return tuple(
            f"the {side} heard no {text}"
            for side in ("caller", "phone", "switch")
            for text in unheard(getattr(expect, f"{side}_hears"), self._recording(side, call))
        )

    def deaf(self, call: PlannedCall) -> tuple[str, ...]:
        """The sides of two real phones that talked long enough and did not hear the other."""
        if self._real is None or call.agent != "pjsua" or not call.callee_name or (call.talk or 0.0) < PROVING_TALK:
            return ()
        others = (("caller", "phone"), ("phone", "caller"))
        return tuple(
            f"the {side} did not hear the {other}"
            for side, other in others
            if not is_heard(other, self._recording(side, call))
        )

    def _recording(self, side: str, call: PlannedCall) -> Path:
        """The recording of what a side heard; the switch records those whom it answers and then listens to."""
        if side != "switch":
            return recording_path(self.folder, side, call.id)
        paths = [recording_path(self.folder, service, self.call_id(call)) for service in RECORDING_SERVICES]
        return next((path for path in paths if path.exists()), paths[0])

    async def close(self) -> None:
        """Take everything down; `problems` then says what went wrong meanwhile."""
        await self._stack.aclose()
        unsent = sum(trunk.unsent for trunk in (*self._trunks.values(), self._outside))
        if unsent:
            self.problems.append(f"{unsent} datagrams that this machine did not let the agents send")
        self.problems += self.switch.problems
        if self._real is not None:
            self.problems += self._real.problems

    async def _stop_proxy(self, proxy: ProxyProcess) -> None:
        counters = await proxy.stop()
        if counters is None:
            self.problems.append("the proxy did not end when and as it was told to (see proxy.log)")
        else:
            self.problems += [
                f"{counters[name]} {meaning}" for name, meaning in _WORRYING.items() if counters.get(name)
            ]


def _loopback(index: int) -> str:
    """An address of its own for each trunk where the system has all of 127.0.0.0/8."""
    return f"127.0.{index}.1" if sys.platform == "linux" else LOCALHOST


def _order(call: PlannedCall, credentials: Credentials | None = None) -> Order:
    return Order(
        call.id,
        caller=call.caller,
        callee=call.callee,
        display_name=call.display_name,
        headers=call.headers,
        talk=call.talk,
        cancel_after=call.cancel_after,
        patience=call.ring + (call.cancel_after or 0.0) + PATIENCE,
        text=call.body,
        credentials=credentials,
    )


def _behaviour(call: PlannedCall) -> Behaviour:
    if call.behaviour == "busy":
        return Behaviour(status=486, rings=False)
    if call.behaviour == "reject":
        return Behaviour(status=603, after=call.ring)
    if call.behaviour in ("ring_only", "cancel"):
        return Behaviour(status=None)
    return Behaviour(after=call.ring)


def plan_lasts(calls: Iterable[PlannedCall]) -> float:
    """Seconds from the first moment of the plan until its last call should have ended."""
    return max((call.ends for call in calls), default=0.0)
