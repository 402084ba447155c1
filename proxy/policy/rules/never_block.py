"""Emergency calls, whoever makes them and however; and calls from numbers that the preset names, such as callbacks.

A caller's number is only believed from a trusted domestic trunk: 110 or 96110 from abroad is a forgery, not the police.
"""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.verdict import Finding


def judge(case: Case) -> Finding | str:
    call = case.call
    if call.callee.is_emergency:
        return Finding("allow", f"{call.callee.presented} is an emergency number")
    if call.trunk_kind == "domestic" and call.trusted and call.caller.digits in case.snapshot.preset.callbacks:
        return Finding("allow", f"{call.caller.presented} may always call")
    return "neither an emergency call nor from a number that may always call"
