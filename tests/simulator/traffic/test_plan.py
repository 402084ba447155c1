"""Plans of calls: the same to the byte for the same seed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.files.yaml_file import FileContext
from simulator.scenario.model import Scenario
from simulator.traffic.plan import plan
from simulator.traffic.planned_call import PlannedCall

SUBSCRIBERS = {"alice": {"number": "+8613800138001"}, "bob": {"number": "+8613800138002"}}
WANGIRI: dict[str, Any] = {
    "campaign": "wangiri",
    "trunk": "international",
    "from": {"prefix": "+23224", "pool": 5},
    "to": ["alice", "bob"],
    "count": 100,
    "rate": "20/s",
    "truth": "scam",
}
CALL: dict[str, Any] = {"call": "friend", "trunk": "domestic", "from": "anonymous", "to": "bob", "truth": "legit"}


def scenario(*calls: dict[str, Any]) -> Scenario:
    document = {"scenario": "s", "subscribers": SUBSCRIBERS, "calls": list(calls)}
    return Scenario.model_validate(document, context=FileContext(document=document))


def only(call: dict[str, Any]) -> PlannedCall:
    [planned] = plan(scenario(call))
    return planned


def test_the_same_seed_gives_the_same_plan_to_the_byte() -> None:
    poisson = WANGIRI | {"arrivals": "poisson"}
    assert repr(plan(scenario(poisson), 7)) == repr(plan(scenario(poisson), 7))
    assert plan(scenario(poisson), 7) != plan(scenario(poisson), 8)


def test_the_plan_is_the_one_that_this_seed_has_always_given() -> None:
    calls = plan(scenario(WANGIRI), 7)
    assert [(call.id, call.caller, call.callee_name, call.start) for call in calls[:3]] == [
        ("wangiri.001", "+23224735974", "bob", 0.0),
        ("wangiri.002", "+23224442187", "alice", 0.05),
        ("wangiri.003", "+23224442187", "alice", 0.1),
    ]


def test_the_name_of_a_scenario_changes_no_call_so_that_two_policies_can_be_compared_on_the_same() -> None:
    given = scenario(WANGIRI | {"arrivals": "poisson"})
    assert plan(given.model_copy(update={"name": "other"})) == plan(given)


def test_the_scenarios_own_seed_counts_where_no_other_is_given() -> None:
    assert plan(scenario(WANGIRI)) == plan(scenario(WANGIRI), 1)


def test_a_change_to_one_campaign_leaves_the_others_as_they_were() -> None:
    other = WANGIRI | {"campaign": "other", "count": 10}
    alone = plan(scenario(WANGIRI))
    beside = [call for call in plan(scenario(other, WANGIRI)) if call.campaign == "wangiri"]
    assert beside == alone


def test_steady_calls_leave_at_equal_distances() -> None:
    calls = plan(scenario(WANGIRI | {"start": "2s"}))
    assert [call.start for call in calls[:4]] == [2.0, 2.05, 2.1, 2.15]
    assert len(calls) == 100


def test_poisson_calls_leave_at_random_with_the_same_mean() -> None:
    starts = [call.start for call in plan(scenario(WANGIRI | {"count": 2000, "arrivals": "poisson"}))]
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(1 / 20, rel=0.1)
    # of an exponential distribution the standard deviation equals the mean
    assert (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5 == pytest.approx(mean, rel=0.1)


def test_what_waits_for_others_is_planned_for_when_the_last_of_them_should_have_ended() -> None:
    short, late = CALL | {"call": "short", "ring": "1s", "talk": "2s"}, CALL | {"after": ["wangiri", "short"]}
    wangiri = WANGIRI | {"count": 2, "ring": "1s", "talk": "1s"}
    calls = plan(scenario(wangiri, short, late | {"start": "0.5s"}, CALL | {"call": "later", "after": "friend"}))
    assert {call.id: (call.start, call.after) for call in calls if call.after} == {
        "friend": (pytest.approx(3.5, abs=0.01), ("wangiri", "short")),
        "later": (pytest.approx(3.7, abs=0.01), ("friend",)),
    }


def test_the_calls_of_all_campaigns_come_in_the_order_of_their_start() -> None:
    calls = plan(scenario(WANGIRI, CALL | {"start": "1.02s"}, WANGIRI | {"campaign": "late", "start": "3s"}))
    starts = [call.start for call in calls]
    assert starts == sorted(starts)
    assert calls[21].id == "friend"


def test_a_pool_has_as_many_different_numbers_as_it_says_and_all_of_one_length() -> None:
    callers = {call.caller for call in plan(scenario(WANGIRI))}
    assert len(callers) == 5
    assert all(caller.startswith("+23224") and len(caller) == 12 for caller in callers)
    exact = WANGIRI | {"from": {"prefix": "+120255501", "pool": 100, "length": 11}, "count": 1000}
    assert {len(call.caller) for call in plan(scenario(exact))} == {12}


def test_listed_callers_and_callees_take_turns_independently() -> None:
    calls = plan(scenario(WANGIRI | {"from": ["1", "2", "3"], "count": 600}))
    for names in (Counter(call.caller for call in calls), Counter(call.callee_name for call in calls)):
        assert len(set(names.values())) == 1
    assert len({(call.caller, call.callee) for call in calls}) == 6


def test_subscribers_are_dialled_by_number_and_known_by_name() -> None:
    call = only(CALL | {"trunk": "phones", "from": "alice"})
    assert (call.caller, call.caller_name) == ("+8613800138001", "alice")
    assert (call.callee, call.callee_name) == ("+8613800138002", "bob")
    call = only(CALL | {"to": "00881631550001", "diversion": "alice", "asserted": "bob", "privacy": "id"})
    assert (call.caller, call.callee, call.caller_name, call.callee_name) == (
        "anonymous",
        "00881631550001",
        None,
        None,
    )
    assert call.headers == (
        ("P-Asserted-Identity", "<sip:+8613800138002@ringfence.example>"),
        ("Diversion", "<sip:+8613800138001@ringfence.example>;reason=unconditional"),
        ("Privacy", "id"),
    )


@pytest.mark.parametrize(
    ("said", "behaviour", "ring", "talk", "cancel_after"),
    [
        ({}, "answer", 0.1, 0.1, None),
        ({"talk": "2s"}, "answer", 0.1, 2.0, None),
        ({"ring": "1.5s", "talk": "2s"}, "answer", 1.5, 2.0, None),
        ({"ring": "1.5s"}, "ring_only", 1.5, 0.1, 1.5),
        ({"answer": "ring_only"}, "ring_only", 0.1, 0.1, 0.1),
        ({"ring": "1.5s", "answer": "answer"}, "answer", 1.5, 0.1, None),
        ({"ring": "1.5s", "answer": "reject"}, "reject", 1.5, 0.1, None),
        ({"answer": "busy"}, "busy", 0.1, 0.1, None),
        ({"cancel_after": "300ms"}, "cancel", 0.1, 0.1, 0.3),
    ],
)
def test_what_the_phone_does_follows_from_what_the_scenario_says(
    said: dict[str, str], behaviour: str, ring: float, talk: float, cancel_after: float | None
) -> None:
    call = only(CALL | said)
    assert (call.behaviour, call.ring, call.talk, call.cancel_after) == (behaviour, ring, talk, cancel_after)


def test_a_campaign_is_a_family_of_its_own_unless_told_otherwise() -> None:
    assert only(CALL).family == "friend"
    assert only(CALL | {"family": "legit-mobile"}).family == "legit-mobile"


@given(
    count=st.integers(1, 200),
    rate=st.integers(1, 1000),
    arrivals=st.sampled_from(["steady", "poisson"]),
    seed=st.integers(),
)
def test_every_plan_has_each_call_once_and_none_before_its_start(
    count: int, rate: int, arrivals: str, seed: int
) -> None:
    entry = WANGIRI | {"count": count, "rate": f"{rate}/s", "arrivals": arrivals, "start": "1s"}
    calls = plan(scenario(entry, CALL), seed)
    assert len({call.id for call in calls}) == len(calls) == count + 1
    assert min(call.start for call in calls if call.campaign == "wangiri") == 1.0


def test_a_text_has_words_and_neither_rings_nor_talks() -> None:
    text = only({**CALL, "method": "MESSAGE", "body": "on my way", "start": "1s"})
    assert (text.method, text.body, text.start) == ("MESSAGE", "on my way", 1.0)
    assert (text.ring, text.talk, text.cancel_after) == (0.0, None, None)
    assert (only(CALL).method, only(CALL).body) == ("INVITE", None)
