"""Callers who present a number that is itself on a scam list.

The longest entry counts: where the number itself is listed with too little confidence, no prefix overrules that.
"""

from __future__ import annotations

from typing import Final

from proxy.policy.case import Case
from proxy.policy.judge import Judge
from proxy.policy.snapshot import ListedNumber
from proxy.policy.verdict import Finding

_IN_WORDS: Final[dict[float, str]] = {}  # confidences, of which lists have 10,001 at most


class Rule(Judge):
    def judge(self, case: Case) -> Finding | str:
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
    pattern, category, confidence = entry.pattern, entry.category, entry.confidence  # each is looked up by name
    if confidence < wanted.min_confidence:
        return f"{pattern} is listed with a confidence of {_in_words(confidence)} only"
    if wanted.categories and category not in wanted.categories:
        return f"{pattern} is listed for {category}, which does not count here"
    detail = f"{pattern} is listed by {entry.source} for {category} ({_in_words(confidence)})"
    return Finding("reject", detail, 603, "Decline")


def _in_words(confidence: float) -> str:
    words = _IN_WORDS.get(confidence)
    if words is None:
        words = _IN_WORDS[confidence] = f"{confidence:.2f}"
    return words
