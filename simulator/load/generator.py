"""A generator of load: `python -m simulator.load.generator`, told what to do on standard input. It places its part of
the calls at the moments at which they are due, and tells in rows what became of them.

It never waits for an answer, and where it is late itself it places what is due at once. So the delay from when a
call was due has all that a caller would have waited for.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
import sys
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from proxy.sip.message import Response
from simulator.addresses import Address
from simulator.agents.endpoint import ALLOW, Endpoint, Incoming
from simulator.agents.leg import Leg
from simulator.agents.orders import Credentials, Order, OutgoingCall
from simulator.agents.uac import UacCall, UacText
from simulator.agents.udp import UdpEndpoint
from simulator.lab.directions import order_of
from simulator.lab.lab_spec import LabSpec, digest_user
from simulator.load.far_end import RECEIVED
from simulator.load.frames import orders, tell, tell_rows
from simulator.load.pace import Pace
from simulator.load.rows import ended, heard
from simulator.load.traffic import Traffic, call_id, traffic_of
from simulator.traffic.planned_call import PlannedCall

_REPORT = 0.25  # seconds
_RECEIVED = RECEIVED.lower()


class _Placed:
    """A call under way: its number, and what is told of it."""

    __slots__ = ("due", "number", "plateau", "received", "told")

    def __init__(self, number: int, plateau: int, due: float) -> None:
        self.number = number
        self.plateau = plateau
        self.due = due
        self.received: float | None = None
        self.told = False  # that its caller has heard something


class _Call(UacCall):
    """A call of ours, which notes when the far end got it."""

    trunk: Trunk

    def progressed(self, leg: Leg, response: Response, now: float, /) -> None:
        super().progressed(leg, response, now)
        if self.record.ringing == now:
            self.trunk.rang(self.record, response.header(_RECEIVED))


class Trunk:
    """One address from which calls are placed; `load` is told of them."""

    def __init__(self, host: str, load: Load) -> None:
        self._load = load
        self.udp = UdpEndpoint((host, 0), self)

    @property
    def endpoint(self) -> Endpoint:
        """The user agent on the socket."""
        return self.udp.endpoint

    def place(self, order: Order, next_hop: Address) -> None:
        """Call, or send a text, now."""
        now = time.monotonic()
        if order.text is not None:
            UacText(self, order, next_hop, now)
        else:
            _Call(self, order, next_hop, now).trunk = self
        self.udp.flush()

    def incoming(self, incoming: Incoming, now: float) -> None:
        """Nobody calls a generator."""
        incoming.reply(200 if incoming.request.method == "OPTIONS" else 405, now, headers=[("Allow", ALLOW)])

    def rang(self, call: OutgoingCall, received: str | None) -> None:
        """The call rings; the far end got it then."""
        self._load.rang(call, float(received) if received else None)

    def call_ended(self, placed: OutgoingCall) -> None:
        """Nothing more will happen to it."""
        self._load.call_ended(placed)


class Load:
    """All calls of this generator: every `of`th of each plateau, from `first` on."""

    def __init__(self, traffic: Traffic, hosts: Mapping[str, str], prefix: str, first: int, of: int) -> None:
        self.rows = array("d")
        self.placed: dict[int, int] = {}  # calls that were placed, by plateau
        self.unheard = 0
        self._first = first
        self._of = of
        self._calls: Sequence[PlannedCall] = traffic.calls
        self._spec = LabSpec.of(traffic.scenario)
        self._prefix = prefix
        self._under_way: dict[str, _Placed] = {}
        self._trunks = {name: Trunk(host, self) for name, host in hosts.items()}
        self._order = lru_cache(maxsize=len(self._calls))(self._order_of)
        self._cut = -1  # the plateaus up to this one are over

    @property
    def under_way(self) -> int:
        """Calls that have not ended."""
        return len(self._under_way)

    @property
    def unsent(self) -> int:
        """Datagrams that the kernel did not take."""
        return sum(trunk.udp.unsent for trunk in self._trunks.values())

    def cut(self, plateau: int) -> None:
        """Place no more calls of this plateau."""
        self._cut = max(self._cut, plateau)

    async def play(self, pace: Pace, next_hop: Address) -> None:
        """Place our calls of a plateau, each when it is due."""
        for index in self._ours(pace):
            due = pace.due(index)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self._cut >= pace.plateau:
                return
            self.placed[pace.plateau] = self.placed.get(pace.plateau, 0) + (index >= pace.ramp_calls)
            number = pace.number + index
            placed = _Placed(number, pace.plateau, due)
            order = replace(self._order(number % len(self._calls)), call_id=call_id(self._prefix, number))
            self._under_way[order.call_id] = placed
            self.unheard += 1
            self._trunks[self._calls[number % len(self._calls)].trunk].place(order, next_hop)

    def _ours(self, pace: Pace) -> Iterator[int]:
        return iter(range(self._first, pace.calls, self._of))

    def _order_of(self, place: int) -> Order:
        call = self._calls[place]
        credentials = None
        if call.caller_name is not None and call.trunk in self._spec.digest_trunks:
            own = self._spec.subscribers[call.caller_name]
            credentials = Credentials(digest_user(call.caller_name, own), own.password)
        return order_of(call, credentials)

    def rang(self, call: OutgoingCall, received: float | None) -> None:
        """Its caller hears ringing."""
        placed = self._under_way.get(call.order.call_id)
        if placed is not None:
            placed.received = received
            self._hear(placed, call)

    def call_ended(self, call: OutgoingCall) -> None:
        """Nothing more will happen to it."""
        placed = self._under_way.pop(call.order.call_id, None)
        if placed is None:
            return
        if call.final is not None:
            self._hear(placed, call)
        if not placed.told:
            self.unheard -= 1
        self.rows.extend(ended(placed.number, placed.plateau, placed.due, call))

    def _hear(self, placed: _Placed, call: OutgoingCall) -> None:
        if not placed.told:
            placed.told = True
            self.unheard -= 1
            self.rows.extend(heard(placed.number, placed.plateau, placed.due, call, placed.received))

    def report(self) -> dict[str, Any]:
        """The state of this generator; the rows go first."""
        if self.rows:
            tell_rows(self.rows)
            self.rows = array("d")
        return {
            "at": time.monotonic(),
            "cpu": time.process_time(),
            "placed": self.placed,
            "unheard": self.unheard,
            "under_way": self.under_way,
            "unsent": self.unsent,
        }


async def _serve() -> None:
    load: Load | None = None
    next_hop = ("", 0)
    async with asyncio.TaskGroup() as tasks:  # a task that fails ends the process, which the run notices
        reporting: asyncio.Task[None] | None = None
        async for order in orders():
            if load is None:
                traffic = traffic_of(Path(order["source"]), order["seed"], order["select"])
                load = Load(traffic, order["hosts"], order["prefix"], order["first"], order["of"])
                gc.collect()
                gc.freeze()
                gc.disable()  # a collection would stop the calls, and look like a delay of the proxy
                tell({"ready": True})
                reporting = tasks.create_task(_report(load))
            elif "next_hop" in order:
                next_hop = (order["next_hop"][0], order["next_hop"][1])
            elif "cut" in order:
                load.cut(order["cut"])
            elif "tell" in order:
                tell(load.report())
            else:
                tasks.create_task(load.play(Pace(**order), next_hop))
        if load is not None and reporting is not None:
            reporting.cancel()
            load.cut(sys.maxsize)


async def _report(load: Load) -> None:
    while True:
        tell(load.report())
        await asyncio.sleep(_REPORT)


def main(_: Sequence[str] = ()) -> int:
    """Serve until standard input ends."""
    with asyncio.Runner(loop_factory=_exact_loop) as runner:
        runner.run(_serve())
    return 0


def _exact_loop() -> asyncio.AbstractEventLoop:
    """A loop whose timers are exact to some microseconds; those of epoll and of uvloop are to a millisecond."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


if __name__ == "__main__":
    main()
