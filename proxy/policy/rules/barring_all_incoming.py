"""No calls and texts at all for callees who asked for that: all incoming calls barred (BAIC, 3GPP TS 22.088 2).

Whoever is on the callee's allow list, and callbacks of emergency services, passed before.
"""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        if case.called is None or not case.called.barring.all_incoming:
            return "callee does not bar all calls"
        return Finding("reject", "callee takes no calls", 603, "Decline")
