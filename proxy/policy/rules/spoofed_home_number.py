"""A home number that cannot have come from abroad, but did: refused for everybody.

Which kinds of number may come from abroad, always or while their owner is roaming, is the preset's. A home line's
call that one of our subscribers forwarded, and that came back by way of abroad, passes; `case` says what
of Diversion is believed, since it is as easily forged as the number.
"""

from __future__ import annotations

from proxy.policy.case import Case, number_kind, number_origin
from proxy.policy.verdict import Finding


def judge(case: Case) -> Finding | str:
    call = case.call
    if call.trunk_kind != "international":
        return "not from an international trunk"
    if number_origin(call.caller, case.snapshot) != "domestic":
        return "caller claims no home number"
    passes = case.snapshot.preset.home_numbers_from_abroad
    kind = number_kind(call.caller, case.snapshot)
    if kind in passes.always:
        return f"a home number of kind {kind} may come from abroad"
    may_roam = kind in passes.when_roaming or kind in passes.unless_at_home
    if may_roam and case.calling is not None and case.calling.roaming:
        return "caller is roaming"
    if kind in passes.unless_at_home and case.calling is None:
        return f"a home number of kind {kind}, whose owner may be abroad"
    if case.forwarded:
        return "forwarded home by one of our subscribers"
    return Finding("reject", f"home number {call.caller.presented} ({kind}) from trunk {call.trunk}", 603, "Decline")
