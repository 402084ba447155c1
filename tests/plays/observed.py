"""Observations for tests: a call that all three witnesses agree on, with one thing changed at a time."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from simulator.judging.evidence import CallerSaw, Evidence, PhoneSaw, ProxyWrote
from simulator.judging.observation import CallObservation
from simulator.scenario.calls import Expect
from tests.plays.planned import planned

_OF_EVIDENCE = frozenset(field.name for field in fields(Evidence))
_OF_CALL = frozenset(field.name for field in fields(CallObservation))


def call(
    call_id: str = "c1",
    *,
    truth: str = "scam",
    blocked: bool = True,
    rule: str = "barring.incoming_international",
    family: str = "wangiri",
    name: str = "wangiri",
    invites: int | None = None,
    record: bool = True,
    expect: Expect | None = None,
    late: float = 0.0,
    delay: float = 0.01,
    retransmissions: int = 0,
) -> CallObservation:
    """One call, 603 when `blocked` and rung and answered with 200 otherwise; sent at second 5."""
    status = 603 if blocked else 200
    sent = 5.0 + late
    plan = planned(trunk="international", caller="+23224000001", callee="+8613800138001", callee_name="alice")
    caller_saw = CallerSaw(
        due=5.0,
        sent=sent,
        ringing=None if blocked else sent + delay,
        final=sent + delay + (0 if blocked else 1),
        status=status,
        retransmissions=retransmissions,
    )
    phone_saw = PhoneSaw(invites if invites is not None else int(not blocked), status=None)
    wrote = ProxyWrote("reject" if blocked else "allow", status if blocked else None, rule, "", status)
    return CallObservation(
        replace(plan, id=call_id, campaign=name, family=family, truth=truth, expect=expect),  # type: ignore[arg-type]
        Evidence(call_id, caller_saw, phone_saw, wrote if record else None),
    )


def changed(observation: CallObservation, **changes: Any) -> CallObservation:
    """The observation with other values, by their names in the plan, in the evidence or in itself."""
    own = {name: changes.pop(name) for name in _OF_CALL & changes.keys()}
    seen = {name: changes.pop(name) for name in _OF_EVIDENCE & changes.keys()}
    plan, evidence = replace(observation.planned, **changes), replace(observation.evidence, **seen)
    return replace(observation, planned=plan, evidence=evidence, **own)
