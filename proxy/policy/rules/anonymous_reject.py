"""Anonymous Communication Rejection (3GPP TS 24.611 4.5.2.6.1) for callees who asked for it, with 433 (RFC 5079).

What counts is that the caller withheld their identity, not whether the network knows it: see `Call.withheld`.
"""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        if case.called is None or not case.called.barring.anonymous:
            return "callee does not reject anonymous calls"
        withheld = case.call.withheld
        if not withheld and case.call.trunk_kind == "access" and (code := case.behind.withheld):
            withheld = f"{code} was dialled"
        if not withheld:
            return "caller does not withhold their identity"
        return Finding("reject", withheld, 433, "Anonymity Disallowed")
