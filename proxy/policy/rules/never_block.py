"""Emergency calls, whoever makes them and however; and calls from numbers that the preset names, such as callbacks.

A caller's number is only believed from a trusted domestic trunk: 110 or 96110 from abroad is a forgery, not the police.
"""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.verdict import Finding


def judge(case: Case) -> Finding | str:
    call = case.call
    if case.is_emergency:
        number = call.callee if call.callee.is_emergency else case.behind.number or call.callee
        return Finding("allow", f"{number.presented} is an emergency number")
    if call.trunk_kind == "domestic" and call.trusted and call.caller.digits in case.snapshot.preset.callbacks:
        return Finding("allow", f"{call.caller.presented} may always call")
    return "neither an emergency call nor from a number that may always call"
