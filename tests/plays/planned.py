"""Planned calls and lab specs for tests, one thing changed at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from proxy.policy.profile import Barring, Subscriber
from simulator.lab.lab_spec import LabSpec
from simulator.scenario.calls import TRUNKS
from simulator.traffic.planned_call import PlannedCall

SUBSCRIBERS = {
    "alice": Subscriber("+8613800138001", password="s3cret", barring=Barring(incoming_international=True)),
    "bob": Subscriber("+8613800138002", user="robert"),
}
_CALL = PlannedCall(
    id="c1",
    campaign="c1",
    family="c1",
    trunk="domestic",
    caller="+8613912345678",
    caller_name=None,
    callee="+8613800138002",
    callee_name="bob",
    start=0.0,
    ring=0.05,
    talk=0.05,
    behaviour="answer",
    cancel_after=None,
    agent="wire",
    truth="legit",
    expect=None,
)


def planned(id_: str = "c1", **changes: Any) -> PlannedCall:
    """A domestic call to bob, who answers at once and is left soon after."""
    return replace(_CALL, id=id_, campaign=id_, family=id_, **changes)


def spec(preset: str = "cn") -> LabSpec:
    """The parts of a lab with alice, who bars calls from abroad and has a password, and bob."""
    return LabSpec("CN", preset, {}, TRUNKS, SUBSCRIBERS, ())
