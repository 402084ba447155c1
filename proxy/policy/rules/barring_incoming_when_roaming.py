"""No calls and texts while the callee is roaming, for those who asked for that: they would pay for the way abroad
(BIC-Roam, 3GPP TS 22.088 2)."""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        if case.called is None or not case.called.barring.incoming_when_roaming:
            return "callee takes calls when roaming"
        if not case.called.roaming:
            return "callee is not roaming"
        return Finding("reject", "callee takes no calls when roaming, and is", 603, "Decline")
