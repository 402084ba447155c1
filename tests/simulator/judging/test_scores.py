"""The scores that rules say of callers, read from what they say: the words here are those of the rules themselves."""

from __future__ import annotations

import pytest

from proxy.policy.call import Call
from proxy.policy.memory import NOTHING
from proxy.policy.remote import UNASKED, Gathered, Lookup, Opinion, RemoteSource, Reputon
from proxy.policy.verdict import Verdict
from simulator.judging.scores import scores_of, with_late
from tests.plays.consulted import policy
from tests.plays.policy_play import ALICE, FROM_ABROAD, NOON, Listed, company, judge, request, subscriber

CALLER = "+23224123456"


def scores(verdict: Verdict) -> dict[str, float]:
    return dict(scores_of(verdict.trace))


@pytest.mark.parametrize("pattern", [CALLER, "+23224*"])
@pytest.mark.parametrize("confidence", [1.0, 0.72, 0.3, 0.05])
def test_the_confidence_of_an_entry_is_the_score_whether_it_counts_or_not(pattern: str, confidence: float) -> None:
    verdict = judge(company(listed=(Listed(pattern, confidence=confidence, source="reports (of May)"),)), CALLER)
    assert (verdict.action == "reject") is (confidence >= 0.5)
    assert scores(verdict) == {"scam_list": confidence}


def test_a_caller_who_is_not_listed_scores_nothing() -> None:
    assert scores(judge(company(listed=(Listed("+23225*"),)), CALLER)) == {"scam_list": 0.0}


def test_a_call_that_a_rule_before_it_decided_has_no_score() -> None:
    blocking = company(subscriber(block=("+23224*",)), listed=(Listed(CALLER),))
    assert scores(judge(blocking, CALLER)) == {}


def rated(*opinions: tuple[str, Opinion]) -> Verdict:
    """The verdict on a call of which these sources say so."""
    sources = [RemoteSource(name, f"https://{name}.example/", callers="all") for name, _ in opinions]
    given = policy(*sources)
    call = Call.from_request(request(CALLER, ALICE), FROM_ABROAD, given.snapshot.numbering, NOON)
    said = {Lookup(source, CALLER): opinion for source, (_, opinion) in zip(sources, opinions, strict=True)}
    return given.decide(call, NOTHING, Gathered(said, UNASKED))


@pytest.mark.parametrize("rating", [0.95, 0.4])
@pytest.mark.parametrize("sure", [None, 0.8])
def test_the_rating_of_a_source_is_the_score(rating: float, sure: float | None) -> None:
    verdict = rated(("desk", Opinion((Reputon("fraud", rating, sure),), waited=0.012)))
    assert scores(verdict) == {"scam_list": 0.0, "reputation": rating}


def test_of_several_sources_the_worst_rating_counts() -> None:
    verdict = rated(
        ("desk", Opinion((Reputon("fraud", 0.2),))),
        ("bureau", Opinion((Reputon("spam", 0.4, 0.9),), age=3.0)),
        ("none", Opinion()),
    )
    assert scores(verdict)["reputation"] == 0.4


def test_a_source_that_knows_nothing_is_a_score_and_one_that_fails_is_none() -> None:
    assert scores(rated(("desk", Opinion())))["reputation"] == 0.0
    assert "reputation" not in scores(rated(("desk", Opinion(failure="no answer within 300 ms"))))
    unheard = policy(RemoteSource("desk", "https://desk.example/"))
    call = Call.from_request(request(CALLER, ALICE), FROM_ABROAD, unheard.snapshot.numbering, NOON)
    assert "reputation" not in scores(unheard.decide(call, NOTHING, UNASKED))


def test_what_a_shadowed_rule_heard_late_is_a_score_too() -> None:
    before = (("scam_list", 0.0),)
    assert with_late(before, "reputation.remote", f"desk rates {CALLER} as fraud (0.80), after 3 ms") == (
        ("scam_list", 0.0),
        ("reputation", 0.8),
    )
    assert with_late(before, "anonymous.reject", "caller shows a number") == before
