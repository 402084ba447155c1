"""The callee's own block list. It is about who rings them, so it does not stop their own calls."""

from __future__ import annotations

from proxy.policy.case import Case, blocked
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        if case.called is None:
            return "callee is no subscriber"
        if pattern := blocked(case.called.block, case):
            return Finding("reject", f"{pattern} is on the callee's block list", 603, "Decline")
        return "caller is not on the callee's block list"
