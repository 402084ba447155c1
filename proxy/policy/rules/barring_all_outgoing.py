"""No calls and texts at all from phones whose owner asked for that: all outgoing calls barred (BAOC, 3GPP TS 22.088 1).

Emergency calls pass, whatever the mode of the rule that is for them; so do the operator's service numbers, and
numbers on the owner's own allow list. The callee's list does not help, or every friend could undo it. Orders to
self-service are none of the policy's business; star codes that nobody serves here are calls to the switch.
"""

from __future__ import annotations

from proxy.policy.case import Case, listed
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        if case.call.trunk_kind != "access":
            return "not a call from a phone"
        caller, callee = case.calling, case.call.callee
        if caller is None or not caller.barring.all_outgoing:
            return "caller may call"
        if case.is_emergency:
            return "an emergency call"
        # Whom the switch may call for it: what was dialled, or what is behind a code such as #31#.
        behind = case.behind
        reached = [number for number in (callee, behind.number) if number is not None]
        if any(not listed(caller.allow, number, case.snapshot) for number in behind.abroad):
            reached = []
        if any(number.digits in case.snapshot.service_numbers for number in reached):
            return "callee is a service number of the operator"
        if any(listed(caller.allow, number, case.snapshot) for number in reached):
            return "callee is on the caller's allow list"
        return Finding("reject", f"call to {callee.presented}", 603, "Decline")
