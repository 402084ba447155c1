"""The rule that asks: of whom it tells a source, of whom it tells nothing, and what it makes of the answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.policy.call import Call
from proxy.policy.engine import Policy
from proxy.policy.memory import NOTHING
from proxy.policy.remote import UNASKED, Gathered, Lookup, Opinion, RemoteSource, Reputon
from proxy.policy.trunks import Trunk
from proxy.policy.verdict import Verdict
from tests.plays.consulted import ROAMER, policy
from tests.plays.policy_play import ALICE, DOMESTIC, FROM_ABROAD, NOON, PHONES, Listed, ScamNumbers, request

RULE = "reputation.remote"
DESK = RemoteSource("desk", "https://desk.example/{e164}")
ABROAD, AT_HOME = "+23224123456", "+8613900139003"


def judge(
    policy: Policy,
    caller: str,
    trunk: Trunk = FROM_ABROAD,
    said: Opinion | None = None,
    *,
    privacy: str = "",
    **more: str,
) -> Verdict:
    """Have a call decided over; `said` is what sources say of every number of it."""
    call = Call.from_request(
        request(caller, ALICE, **more, **({"privacy": privacy} if privacy else {})),
        trunk,
        policy.snapshot.numbering,
        NOON,
    )
    verdict = policy.decide(call, NOTHING, UNASKED)
    if said is None:
        return verdict
    return policy.decide(call, NOTHING, Gathered(dict.fromkeys(verdict.asks, said), UNASKED))


def step(verdict: Verdict) -> str:
    return next((f"{one.outcome}: {one.detail}" for one in verdict.trace if one.rule == RULE), "not asked")


def asked(verdict: Verdict) -> list[str]:
    assert verdict.waits == bool(verdict.asks)
    return [lookup.number for lookup in verdict.asks]


def test_without_a_source_the_rule_is_not_there() -> None:
    verdict = judge(policy(), ABROAD)
    assert (verdict.asks, verdict.waits, step(verdict)) == ((), False, "not asked")


def test_it_asks_about_a_caller_whom_no_other_rule_decides() -> None:
    verdict = judge(policy(DESK), ABROAD)
    assert verdict.asks == (Lookup(DESK, ABROAD),)
    assert (verdict.waits, verdict.rule, step(verdict)) == (True, "default.allow", "asked: asks desk")


@pytest.mark.parametrize(
    ("caller", "rule"),
    [
        ("+442079460123", "subscriber.allow"),
        ("+19005550123", "subscriber.block"),
        ("+861064321234", "spoofed.home_number"),
        (ALICE, "spoofed.own_number"),
        ("+23225000001", "scam_list.prefix"),
    ],
)
def test_of_callers_whom_another_rule_decides_nobody_is_told(caller: str, rule: str) -> None:
    listed = ScamNumbers({"+23225*": Listed("+23225*")})
    verdict = judge(policy(DESK, scam_list=listed), caller)
    assert (verdict.rule, asked(verdict)) == (rule, [])


@pytest.mark.parametrize(
    ("caller", "trunk", "privacy", "why"),
    [
        (AT_HOME, PHONES, "", "caller is a subscriber of ours"),
        (ROAMER, FROM_ABROAD, "", "caller is a subscriber of ours"),
        (ROAMER, DOMESTIC, "", "caller shows no number to ask about"),
        (ABROAD, FROM_ABROAD, "id", "caller withholds their number"),
        ("bob", FROM_ABROAD, "", "caller shows no number to ask about"),
    ],
)
def test_of_these_callers_no_source_is_told(caller: str, trunk: Trunk, privacy: str, why: str) -> None:
    verdict = judge(policy(replace(DESK, callers="all")), caller, trunk, privacy=privacy)
    assert (asked(verdict), step(verdict)) == ([], f"no_match: {why}")


def test_callers_at_home_are_told_only_where_the_source_is_for_all() -> None:
    verdict = judge(policy(DESK), AT_HOME, DOMESTIC)
    assert (asked(verdict), step(verdict)) == ([], "no_match: desk is not told of callers at home")
    assert asked(judge(policy(replace(DESK, callers="all")), AT_HOME, DOMESTIC)) == [AT_HOME]


def test_all_numbers_that_a_phone_may_show_are_asked_about_but_those_of_our_subscribers() -> None:
    asserted = f"<tel:{ABROAD}>, <sip:{ROAMER}@127.0.1.1>"
    verdict = judge(policy(DESK), "+6591234567", p_asserted_identity=asserted)
    assert asked(verdict) == [ABROAD, "+6591234567"]


def test_a_caller_with_many_numbers_does_not_make_many_questions() -> None:
    asserted = ", ".join(f"<tel:+2322412345{n}>" for n in range(9))
    assert len(asked(judge(policy(DESK), "+6591234567", p_asserted_identity=asserted))) == 3


@pytest.mark.parametrize(
    ("reputons", "changes", "told"),
    [
        ([], {}, "no_match: desk has nothing against +23224123456"),
        ([Reputon("spam", 0.5)], {}, "reject: desk rates +23224123456 as spam (0.50)"),
        ([Reputon("spam", 0.49)], {}, "no_match: desk rates +23224123456 as spam (0.49), which is not enough"),
        (
            [Reputon("spam", 0.8)],
            {"min_rating": 0.9},
            "no_match: desk rates +23224123456 as spam (0.80), which is not enough",
        ),
        ([Reputon("well-known", 1.0)], {}, "no_match: desk has nothing against +23224123456"),
        ([Reputon("wangiri", 0.7)], {"assertions": ("wangiri",)}, "reject: desk rates +23224123456 as wangiri (0.70)"),
        (
            [Reputon("fraud", 0.9, 0.2), Reputon("spam", 0.6, 0.8)],
            {"min_confidence": 0.5},
            "reject: desk rates +23224123456 as spam (0.60, confidence 0.80)",
        ),
        (
            [Reputon("fraud", 0.9, 0.2)],
            {"min_confidence": 0.5},
            "no_match: desk rates +23224123456 as fraud (0.90, confidence 0.20), which is not enough",
        ),
    ],
)
def test_an_answer_counts_as_the_source_is_set(reputons: list[Reputon], changes: dict[str, object], told: str) -> None:
    source = replace(DESK, **changes)  # type: ignore[arg-type]
    verdict = judge(policy(source), ABROAD, said=Opinion(tuple(reputons)))
    assert step(verdict) == told
    assert (verdict.action, verdict.status) == (("reject", 603) if told.startswith("reject") else ("allow", None))


def test_one_bad_number_of_several_is_enough() -> None:
    chosen = policy(DESK)
    call = Call.from_request(
        request("+6591234567", ALICE, p_asserted_identity=f"<tel:{ABROAD}>"),
        FROM_ABROAD,
        chosen.snapshot.numbering,
        NOON,
    )
    known = {Lookup(DESK, ABROAD): Opinion(), Lookup(DESK, "+6591234567"): Opinion((Reputon("fraud", 1.0),))}
    verdict = chosen.decide(call, NOTHING, Gathered(known, UNASKED))
    assert step(verdict) == "reject: desk rates +6591234567 as fraud (1.00)"


def test_a_failure_is_what_the_source_is_set_to() -> None:
    opened = judge(policy(DESK), ABROAD, said=Opinion(failure="HTTP 500"))
    assert (opened.rule, opened.waits) == ("default.allow", False)
    assert step(opened) == "no_match: desk: HTTP 500; callers pass without an answer (on_failure: allow)"
    closed = judge(policy(replace(DESK, on_failure="block")), ABROAD, said=Opinion(failure="HTTP 500"))
    assert (closed.rule, closed.status) == (RULE, 480)


def test_a_transfer_is_not_asked_about() -> None:
    call = Call.from_request(
        request(ABROAD, ALICE, "REFER", refer_to=f"<sip:{ALICE}@127.0.0.1>"),
        FROM_ABROAD,
        policy(DESK).snapshot.numbering,
        NOON,
    )
    assert step(policy(DESK).decide(call)) == "no_match: a transfer: its call was judged when it came in"


def test_in_shadow_mode_it_asks_and_does_not_wait() -> None:
    verdict = judge(policy(DESK, mode="shadow"), ABROAD)
    assert (verdict.asks, verdict.waits) == ((Lookup(DESK, ABROAD),), False)
    assert judge(policy(DESK, mode="off"), ABROAD).asks == ()
