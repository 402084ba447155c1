"""Callers whom a remote source holds for a nuisance, and callers of whom it says nothing in time where it must.

Numbers are personal: a source is told only of callers of whom no rule before has decided, and never of one who
withholds their number, of our own subscribers, or of whom the callee is.
"""

from __future__ import annotations

from proxy.policy.case import Case
from proxy.policy.judge import Judge
from proxy.policy.remote import Asks, Lookup, Opinion, RemoteSource, Reputon
from proxy.policy.verdict import Finding

_MOST_NUMBERS = 3  # of one call


class Rule(Judge):
    def judge(self, case: Case) -> Finding | Asks | str:
        """Refuse a caller of whom any source says so; where none does, `asks` for the opinions that are missing."""
        if why := _unasked(case):
            return why
        numbers = _numbers(case)
        if not numbers:
            return "caller shows no number to ask about"
        asked: list[Lookup] = []
        said: list[str] = []
        for source in case.snapshot.sources:
            if source.callers == "overseas" and case.caller_origin != "overseas":
                said.append(f"{source.name} is not told of callers at home")
                continue
            for number in numbers:
                opinion = case.opinions.about(lookup := Lookup(source, number), case.call.arrival)
                if opinion is None:
                    asked.append(lookup)
                    continue
                found = _weigh(lookup, opinion)
                if isinstance(found, Finding):
                    return found
                said.append(found)
        if asked:
            return Asks(tuple(asked), f"asks {', '.join(dict.fromkeys(one.source.name for one in asked))}")
        return "; ".join(said)


def _unasked(case: Case) -> str:
    """The reason why no source is told of this caller, "" where one may be."""
    call = case.call
    if call.trunk_kind == "access" or case.calling is not None:
        return "caller is a subscriber of ours"
    if call.method == "REFER":
        return "a transfer: its call was judged when it came in"
    if call.withheld:
        return "caller withholds their number"
    return ""


def _numbers(case: Case) -> tuple[str, ...]:
    """The numbers to ask about: all that a phone may show, but for those of our subscribers."""
    found = dict.fromkeys(number.e164 for number in case.call.presented if number.e164)
    return tuple(number for number in found if case.snapshot.subscribers.find(number) is None)[:_MOST_NUMBERS]


def _weigh(lookup: Lookup, opinion: Opinion) -> Finding | str:
    source, number = lookup
    when = _when(opinion)
    if opinion.failure:
        told = f"{source.name}: {opinion.failure}{when}"
        if source.on_failure == "allow":
            return f"{told}; callers pass without an answer (on_failure: allow)"
        # Not 603: the same call may be taken in a minute.
        detail = f"{told}; no caller passes without an answer (on_failure: block)"
        return Finding("reject", detail, 480, "Temporarily Unavailable")
    counts = [one for one in opinion.reputons if one.assertion in source.assertions]
    if not counts:
        return f"{source.name} has nothing against {number}{when}"
    worst = max(counts, key=lambda one: (_is_bad(source, one), one.rating))
    sure = "" if worst.confidence is None else f", confidence {worst.confidence:.2f}"
    detail = f"{source.name} rates {number} as {worst.assertion} ({worst.rating:.2f}{sure}){when}"
    return Finding("reject", detail, 603, "Decline") if _is_bad(source, worst) else f"{detail}, which is not enough"


def _is_bad(source: RemoteSource, reputon: Reputon) -> bool:
    sure = reputon.confidence is None or reputon.confidence >= source.min_confidence
    return sure and reputon.rating >= source.min_rating


def _when(opinion: Opinion) -> str:
    if opinion.age is not None:
        return f", known for {opinion.age:.0f} s"
    return f", after {opinion.waited * 1000:.0f} ms" if opinion.waited else ""
