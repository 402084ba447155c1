"""Callers from a number range that is on a scam list."""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.judge import Judge
from proxy.policy.rules.scam_list_exact import judge_listed
from proxy.policy.verdict import Finding


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
        return judge_listed(case, prefix=True)
