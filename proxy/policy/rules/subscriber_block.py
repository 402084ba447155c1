"""The callee's own block list. It is about who rings them, so it does not stop their own calls."""

from __future__ import annotations

from proxy.policy.case import Case, listed
from proxy.policy.verdict import Finding


def judge(case: Case) -> Finding | str:
    if case.called is None:
        return "callee is no subscriber"
    for number in case.call.presented:
        if pattern := listed(case.called.block, number, case.snapshot):
            return Finding("reject", f"{pattern} is on the callee's block list", 603, "Decline")
    return "caller is not on the callee's block list"
