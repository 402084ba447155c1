"""Callers who present a number that is itself on a scam list.

The longest entry counts: where the number itself is listed with too little confidence, no prefix overrules that.
"""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.snapshot import ListedNumber
from proxy.policy.verdict import Finding


def judge(case: Case) -> Finding | str:
    return judge_listed(case, prefix=False)


def judge_listed(case: Case, *, prefix: bool) -> Finding | str:
    """Refuse a caller with an entry of that sort, if the preset lets entries of its confidence and category count."""
    answer: Finding | str = "caller's prefix is not listed" if prefix else "caller's number is not listed"
    for entry in case.listings():
        if entry.pattern.endswith("*") == prefix:
            answer = _weigh(case, entry)
            if not isinstance(answer, str):
                break
    return answer


def _weigh(case: Case, entry: ListedNumber) -> Finding | str:
    wanted = case.snapshot.preset.scam_list
    if entry.confidence < wanted.min_confidence:
        return f"{entry.pattern} is listed with a confidence of {entry.confidence:.2f} only"
    if wanted.categories and entry.category not in wanted.categories:
        return f"{entry.pattern} is listed for {entry.category}, which does not count here"
    detail = f"{entry.pattern} is listed by {entry.source} for {entry.category} ({entry.confidence:.2f})"
    return Finding("reject", detail, 603, "Decline")
