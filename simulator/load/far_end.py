"""The far end of a load, in the place of softswitch and phones: `python -m simulator.load.far_end`, told what to do on
standard input. It answers as the called phones are planned to, and says when each INVITE came.

A softswitch between two sides costs several times what a proxy does: with one in the way, the load would measure it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulator.agents.endpoint import ALLOW, Incoming
from simulator.agents.orders import ANSWER, Behaviour, IncomingCall
from simulator.agents.uas import UasCall, user_part
from simulator.agents.udp import UdpEndpoint
from simulator.lab.directions import behaviour_of
from simulator.load.frames import orders, tell
from simulator.load.traffic import number_of, traffic_of

RECEIVED = "X-Ringfence-Received"  # in the first response: when the INVITE came, in seconds of the monotonic clock
_REPORT = 0.5  # seconds


class FarEnd:
    """Takes all calls and texts that come. `behaviours` are those of the planned calls, by their number in the plan."""

    def __init__(self, behaviours: Sequence[Behaviour], prefix: str) -> None:
        self.taken = 0
        self._udp = UdpEndpoint(("127.0.0.1", 0), self)
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
        number = number_of(request.call_id, self._prefix)
        behaviour = ANSWER if number is None else self._behaviours[number % len(self._behaviours)]
        taken_call = IncomingCall(request.call_id, user_part(request.uri), "INVITE", now)
        stamp = [(RECEIVED, f"{now:.7f}")]
        UasCall(self._udp.endpoint, incoming, taken_call, behaviour, now, ringing_headers=stamp)

    def close(self) -> None:
        """Close the socket."""
        self._udp.close()


async def _serve() -> None:
    far_end: FarEnd | None = None
    report: asyncio.Task[None] | None = None
    async for order in orders():
        if far_end is None:
            calls = traffic_of(Path(order["source"]), order["seed"], order["select"]).calls
            far_end = FarEnd([behaviour_of(call) for call in calls], order["prefix"])
            gc.collect()
            gc.freeze()
            gc.disable()
            tell({"ready": True, "address": far_end.address})
            report = asyncio.create_task(_report(far_end))
    if report is not None:
        report.cancel()


async def _report(far_end: FarEnd) -> None:
    while True:
        tell(_stats(far_end))
        await asyncio.sleep(_REPORT)


def _stats(far_end: FarEnd) -> dict[str, Any]:
    return {"at": time.monotonic(), "cpu": time.process_time(), "taken": far_end.taken}


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve())
    else:
        uvloop.run(_serve())
