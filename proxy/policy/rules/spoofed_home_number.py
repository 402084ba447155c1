"""A home number that cannot have come from abroad, but did: refused for everybody.

Which kinds of number may come from abroad, always or while their owner is roaming, is the preset's. A home line's
call that one of our subscribers forwarded, and that came back by way of abroad, passes; `case` says what
of Diversion is believed, since it is as easily forged as the number.
"""

from __future__ import annotations

from proxy.numbers.numbering import Number
from proxy.policy.case import Case, is_home_line, number_kind, number_origin
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        if case.call.trunk_kind != "international":
            return "not from an international trunk"
        answer = _judge_number(case.call.caller, case)
        for number in case.call.others:  # a phone may show any of them
            if not isinstance(answer, str):
                break
            answer = _judge_number(number, case)
        return answer


def _judge_number(number: Number, case: Case) -> Finding | str:
    snapshot = case.snapshot
    if number_origin(number, snapshot) != "domestic":
        return "caller claims no home number"
    passes = snapshot.preset.home_numbers_from_abroad
    kind = number_kind(number, snapshot)
    if kind in passes.always:
        return f"a home number of kind {kind} may come from abroad"
    owner = case.calling if number is case.call.caller else snapshot.subscribers.find(number.e164 or "")
    may_roam = kind in passes.when_roaming or kind in passes.unless_at_home
    if may_roam and owner is not None and owner.roaming:
        return "caller is roaming"
    if kind in passes.unless_at_home and owner is None:
        return f"a home number of kind {kind}, whose owner may be abroad"
    if case.forwarded and is_home_line(number, snapshot):
        return "forwarded home by one of our subscribers"
    return Finding("reject", f"home number {number.presented} ({kind}) from trunk {case.call.trunk}", 603, "Decline")
