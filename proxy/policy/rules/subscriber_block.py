"""The callee's own block list. It is about who rings them, so it does not stop their own calls."""

from __future__ import annotations

from proxy.policy.case import Case, listed
from proxy.policy.verdict import Finding


def judge(case: Case) -> Finding | str:
    if case.called is None:
        return "callee is no subscriber"
    pattern = listed(case.called.block, case.call.caller)
    if pattern is None:
        return "caller is not on the callee's block list"
    return Finding("reject", f"{pattern} is on the callee's block list", 603, "Decline")
