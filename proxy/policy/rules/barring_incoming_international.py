"""No calls from overseas for callees who asked for that. The trunk counts as much as the number: see `case`."""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.verdict import Finding


def judge(case: Case) -> Finding | str:
    if case.called is None or not case.called.barring.incoming_international:
        return "callee takes calls from overseas"
    if case.caller_origin != "overseas":
        return "caller is not overseas"
    call = case.call
    region = call.caller.region or call.caller.kind
    return Finding(
        "reject", f"overseas caller {call.caller.presented} ({region}) on trunk {call.trunk}", 603, "Decline"
    )
