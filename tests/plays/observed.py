"""Observations for tests: a call that all three witnesses agree on, with one thing changed at a time."""

from __future__ import annotations

from simulator.judging.observation import CallerSaw, CallObservation, Expected, PhoneSaw, ProxyWrote


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
    expected: Expected | None = None,
    late: float = 0.0,
    delay: float = 0.01,
    retransmissions: int = 0,
) -> CallObservation:
    """One call, 603 when `blocked` and rung and answered with 200 otherwise; sent at second 5."""
    status = 603 if blocked else 200
    sent = 5.0 + late
    return CallObservation(
        id=call_id,
        name=name,
        family=family,
        truth=truth,
        trunk="international",
        caller="+23224000001",
        callee="+8613800138001",
        agent="wire",
        expected=expected,
        caller_saw=CallerSaw(
            due=5.0,
            sent=sent,
            ringing=None if blocked else sent + delay,
            final=sent + delay + (0 if blocked else 1),
            status=status,
            retransmissions=retransmissions,
        ),
        phone_saw=PhoneSaw(invites if invites is not None else int(not blocked), status=None),
        proxy_wrote=ProxyWrote("reject" if blocked else "allow", status if blocked else None, rule, "", status)
        if record
        else None,
    )
