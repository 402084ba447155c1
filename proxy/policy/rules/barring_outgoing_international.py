"""No calls abroad from phones whose owner asked for that (3GPP TS 22.030 service code 331), satellites included.

A number on the owner's allow list passes. It passes here only: it must not overrule what the callee decided.
"""

from __future__ import annotations

from proxy.policy.case import Case, listed, number_origin
from proxy.policy.verdict import Finding


def judge(case: Case) -> Finding | str:
    if case.call.trunk_kind != "access":
        return "not a call from a phone"
    caller, callee = case.calling, case.call.callee
    if caller is None or not caller.barring.outgoing_international:
        return "caller may call abroad"
    if number_origin(callee, case.snapshot) != "overseas":
        return "callee is not overseas"
    if listed(caller.allow, callee):
        return "callee is on the caller's allow list"
    return Finding("reject", f"call to {callee.presented} ({callee.region or callee.kind})", 603, "Decline")
