"""The scores that rules give callers: the confidence of a list's entry, the rating of a remote source. Pure.

A rule writes its score into what it says of a call, to two decimals, and so the proxy's record has it, whatever came of
it. Scores are 0 where the rule knows nothing of the caller; a call that it was not asked about has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

SCAM_LIST, REPUTATION = "scam_list", "reputation"
# The rules that score, and what each one's scores are called: a number is on one list, be it with its prefix.
_SCORING = {"scam_list.exact": SCAM_LIST, "scam_list.prefix": SCAM_LIST, "reputation.remote": REPUTATION}
_LISTED = re.compile(r" is listed (?:by .* \((\d\.\d\d)\)|with a confidence of (\d\.\d\d) only)$")
_NOT_LISTED = re.compile(r" is not listed$|, which does not count here$")
_RATED = re.compile(r" rates \S+ as .*? \((\d\.\d\d)[,)]")
_NOT_RATED = " has nothing against "

Scores = tuple[tuple[str, float], ...]


def scores_of(trace: Iterable[Sequence[str]]) -> Scores:
    """The scores of a call in the trace of its verdict, the highest of each kind."""
    found: dict[str, float] = {}
    for rule, _, _, detail in trace:
        if rule in _SCORING and (score := score_in(rule, detail)) is not None:
            kind = _SCORING[rule]
            found[kind] = max(score, found.get(kind, 0.0))
    return _kept_once(tuple(found.items())) if found else ()


def with_late(scores: Scores, rule: str, detail: str) -> Scores:
    """The scores with that of a rule in shadow mode that was heard after the verdict."""
    score = score_in(rule, detail)
    return scores if score is None else _kept_once(tuple({**dict(scores), _SCORING[rule]: score}.items()))


@lru_cache(maxsize=4096)  # calls of a campaign are told the same
def score_in(rule: str, detail: str) -> float | None:
    """The score that a rule gave, by what it said; None where it gave none."""
    if rule not in _SCORING:
        return None
    if _SCORING[rule] == REPUTATION:
        ratings = [float(rating) for rating in _RATED.findall(detail)]
        return max(ratings) if ratings else 0.0 if _NOT_RATED in detail else None
    if (listed := _LISTED.search(detail)) is not None:
        return float(listed[1] or listed[2])
    return 0.0 if _NOT_LISTED.search(detail) else None


@lru_cache(maxsize=1024)
def _kept_once(scores: Scores) -> Scores:
    return scores
