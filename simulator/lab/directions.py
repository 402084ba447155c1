"""A planned call as orders to the agents on its two sides."""

from __future__ import annotations

from functools import lru_cache

from simulator.agents.orders import Behaviour, Credentials, Order
from simulator.traffic.planned_call import PlannedCall

PATIENCE = 10.0  # seconds that a caller waits beyond the planned ringing time before it gives up


def order_of(call: PlannedCall, credentials: Credentials | None = None) -> Order:
    """The planned call as an order to the caller's agent."""
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


def behaviour_of(call: PlannedCall) -> Behaviour:
    """The planned doing of the called phone."""
    return _behaviour(call.behaviour, call.ring)


@lru_cache(maxsize=1024)  # the calls of a campaign share theirs
def _behaviour(name: str, ring: float) -> Behaviour:
    if name == "busy":
        return Behaviour(status=486, rings=False)
    if name == "reject":
        return Behaviour(status=603, after=ring)
    if name in ("ring_only", "cancel"):
        return Behaviour(status=None)
    return Behaviour(after=ring)
