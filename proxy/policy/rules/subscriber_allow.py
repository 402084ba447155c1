"""The callee's own allow list passes every later rule."""

from __future__ import annotations

from proxy.policy.case import Case, listed
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        if case.called is None:
            return "callee is no subscriber"
        pattern = listed(case.called.allow, case.call.caller, case.snapshot)
        if pattern is None:
            return "caller is not on the callee's allow list"
        for number in case.call.others:
            if not listed(case.called.allow, number, case.snapshot):
                return f"caller shows {number.presented} as well, which is not on the callee's allow list"
        return Finding("allow", f"{pattern} is on the callee's allow list")
