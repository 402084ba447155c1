"""The lab plays its calls without the garbage collector: agents and switch leave nothing that only it could free."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from simulator.agents.endpoint import Endpoint
from simulator.agents.leg import Leg
from simulator.agents.orders import BUSY, REJECT, RING_ONLY, Behaviour
from tests.plays.switch_lab import ALICE, SwitchLab

LINGERING = 200.0  # seconds after which every transaction has ended


@pytest.mark.parametrize(
    ("behaviour", "order"),
    [
        (Behaviour(after=0.1), {"talk": 1.0}),
        (Behaviour(talk=1.0), {}),
        (BUSY, {}),
        (REJECT, {}),
        (RING_ONLY, {"cancel_after": 0.5}),
        (RING_ONLY, {"patience": 2.0}),
        (Behaviour(), {"callee": "+8613800138003"}),
    ],
)
def test_a_call_leaves_no_cycles(behaviour: Behaviour, order: dict[str, Any]) -> None:
    lab = SwitchLab()
    lab.phones.otherwise = behaviour
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            lab.caller.call(**({"callee": ALICE.number} | order))
            lab.caller.text("hello")
            lab.network.run(LINGERING)
        lab.network.log.clear()
        assert lab.legs == 0
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("behaviour", [Behaviour(talk=1.0), Behaviour(), BUSY])
def test_what_a_call_holds_goes_with_its_end_and_not_with_that_of_its_transactions(behaviour: Behaviour) -> None:
    lab = SwitchLab()
    lab.phones.otherwise = behaviour
    gc.collect()
    gc.disable()
    try:
        call = lab.caller.call(callee=ALICE.number, talk=2.0)
        sides = [weakref.ref(leg.listener) for each in lab.network.endpoints.values() for leg in legs(each)]
        assert len(sides) >= 1
        lab.network.run(4.0)
        assert call.record.ended is not None
        assert lab.caller.endpoint.transactions.clients
        del call
        lab.network.log.clear()
        assert [side() for side in sides] == [None] * len(sides)
    finally:
        gc.enable()


def legs(endpoint: Endpoint) -> list[Leg]:
    return [leg for leg in endpoint.legs.values() if isinstance(leg, Leg)]
