"""The far end of a load: `python -m simulator.load.far_end`, told what to do on standard input. It answers as the
called phones are planned to.

It is in the place of softswitch and phones, and says when each INVITE came: a softswitch between two sides costs
several times what a proxy does, and with one in the way the load would measure it. Where one is asked for it is there
all the same, and phones register with it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from simulator.addresses import Address
from simulator.agents.endpoint import ALLOW, Incoming
from simulator.agents.orders import ANSWER, CALL_HEADER, DOMAIN, Behaviour, IncomingCall
from simulator.agents.registration import Failure, Registration, WirePhone
from simulator.agents.uas import UasCall, user_part
from simulator.agents.udp import UdpEndpoint
from simulator.lab.directions import behaviour_of
from simulator.lab.lab_spec import LOCALHOST, LabSpec
from simulator.lab.surroundings import phone_of, switch_of
from simulator.load.frames import orders, tell
from simulator.load.traffic import number_of, traffic_of

RECEIVED = "X-Ringfence-Received"  # in the first response: when the INVITE came, in seconds of the monotonic clock
_REPORT = 0.5  # seconds
_A_DAY = 86400  # seconds for which phones register


class FarEnd:
    """Takes all calls and texts that come. `behaviours` are those of the planned calls, by their number in the plan."""

    def __init__(self, behaviours: Sequence[Behaviour], prefix: str, host: str = LOCALHOST) -> None:
        self.taken = 0
        self._udp = UdpEndpoint((host, 0), self)
        self._behaviours = behaviours
        self._prefix = prefix

    @property
    def address(self) -> tuple[str, int]:
        """The address that it is bound to."""
        return self._udp.address

    def incoming(self, incoming: Incoming, now: float) -> None:
        """A request outside any dialog."""
        request = incoming.request
        if request.method != "INVITE":
            taken = request.method in ("MESSAGE", "OPTIONS", "REGISTER")
            incoming.reply(200 if taken else 405, now, headers=[("Allow", ALLOW)])
            return
        self.taken += 1
        number = number_of(request.header(CALL_HEADER.lower()) or request.call_id, self._prefix)
        behaviour = ANSWER if number is None else self._behaviours[number % len(self._behaviours)]
        taken_call = IncomingCall(request.call_id, user_part(request.uri), "INVITE", now)
        stamp = [(RECEIVED, f"{now:.7f}")]
        UasCall(self._udp.endpoint, incoming, taken_call, behaviour, now, ringing_headers=stamp)

    async def register(self, phones: Iterable[WirePhone], next_hop: Address) -> list[Failure]:
        """Have phones register by way of `next_hop`; returns those that could not."""
        done: asyncio.Future[list[Failure]] = asyncio.get_running_loop().create_future()
        now = time.monotonic()
        Registration(self._udp.endpoint, phones, next_hop, done.set_result, now, domain=DOMAIN, expires=_A_DAY)
        self._udp.flush()
        return await done

    def close(self) -> None:
        """Close the socket."""
        self._udp.close()


async def _serve() -> None:
    far_end: FarEnd | None = None
    report: asyncio.Task[None] | None = None
    async with AsyncExitStack() as stack:
        async for order in orders():
            if far_end is None:
                traffic = traffic_of(Path(order["source"]), order["seed"], order["select"])
                far_end = FarEnd([behaviour_of(call) for call in traffic.calls], order["prefix"], order["host"])
                spec, address = LabSpec.of(traffic.scenario), far_end.address
                if (kind := order["switch"]) is not None:
                    switch = switch_of(spec, kind, Path(order["folder"]), far_end.address)
                    address = (await stack.enter_async_context(switch)).address
                gc.collect()
                gc.freeze()
                gc.disable()
                tell({"ready": True, "address": address})
                report = asyncio.create_task(_report(far_end))
            else:
                host, port = order["next_hop"]
                failures = await far_end.register((phone_of(spec, name) for name in spec.subscribers), (host, port))
                tell({"registered": True, "failures": [f"{each.phone.user}: {each.status}" for each in failures]})
        if report is not None:
            report.cancel()


async def _report(far_end: FarEnd) -> None:
    while True:
        tell(_stats(far_end))
        await asyncio.sleep(_REPORT)


def _stats(far_end: FarEnd) -> dict[str, Any]:
    return {"at": time.monotonic(), "cpu": time.process_time(), "taken": far_end.taken}


def main(_: Sequence[str] = ()) -> int:
    """Serve until standard input ends."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve())
    else:
        uvloop.run(_serve())
    return 0


if __name__ == "__main__":
    main()
