"""No calls and texts from overseas for callees who asked for that, or no texts. The trunk counts as much as the number:
see `case`."""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.judge import Judge
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        call = case.call
        barring = case.called and case.called.barring
        texts_barred = barring and barring.incoming_international_texts and call.method == "MESSAGE"
        if not barring or not (barring.incoming_international or texts_barred):
            return "callee takes calls from overseas"
        if case.caller_origin != "overseas":
            return "caller is not overseas"
        region = call.caller.region or call.caller.kind
        return Finding(
            "reject", f"overseas caller {call.caller.presented} ({region}) on trunk {call.trunk}", 603, "Decline"
        )
