"""Calls from abroad to subscribers who take none of those."""

from __future__ import annotations

import pytest

from proxy.policy.trunks import Trunk
from tests.plays.policy_play import (
    BOB,
    DOMESTIC,
    FROM_ABROAD,
    STRANGER,
    company,
    judge,
    passed,
    refused,
    subscriber,
)

POLICY = company(subscriber(incoming_international=True), subscriber(BOB, roaming=True))


@pytest.mark.parametrize("trunk", [FROM_ABROAD, DOMESTIC])
@pytest.mark.parametrize(
    "caller", ["+6591234567", "006591234567", "+85291234567", "+85366123456", "+886912345678", "+881612345678"]
)
def test_overseas_numbers_are_refused_on_every_trunk(caller: str, trunk: Trunk) -> None:
    assert refused(judge(POLICY, caller, trunk=trunk), "barring.incoming_international")


@pytest.mark.parametrize("caller", ["nobody", "anonymous", "+999123456", "<sip:192.0.2.1>"])
def test_the_international_trunk_is_enough(caller: str) -> None:
    assert refused(judge(POLICY, caller), "barring.incoming_international")


def test_even_a_home_number_is_overseas_on_the_international_trunk() -> None:
    policy = company(subscriber(incoming_international=True), modes={"spoofed.home_number": "off"})
    assert refused(judge(policy, STRANGER), "barring.incoming_international")


@pytest.mark.parametrize("caller", [STRANGER, "13900139003", "10086", "nobody", "anonymous"])
def test_home_callers_pass_on_home_trunks(caller: str) -> None:
    assert judge(POLICY, caller, trunk=DOMESTIC).action == "allow"


def test_a_home_number_with_a_plus_or_an_international_prefix_is_still_at_home() -> None:
    assert passed(judge(POLICY, "+8613900139003", trunk=DOMESTIC))
    assert passed(judge(POLICY, "008613900139003", trunk=DOMESTIC))


def test_a_roaming_subscriber_is_no_overseas_caller() -> None:
    assert passed(judge(POLICY, BOB))


def test_those_who_did_not_ask_for_it_get_their_calls() -> None:
    assert passed(judge(POLICY, "+6591234567", BOB))
    assert passed(judge(POLICY, "+6591234567", STRANGER))


def test_what_counts_as_home_is_the_presets() -> None:
    gb = company(subscriber("+447700900001", incoming_international=True), home="GB", rules="gb")
    assert passed(judge(gb, "+441534456789", "+447700900001", DOMESTIC))
    neutral = company(subscriber("+447700900001", incoming_international=True), home="GB", rules="default")
    assert not passed(judge(neutral, "+441534456789", "+447700900001", DOMESTIC))


def test_texts_are_judged_like_calls() -> None:
    assert refused(judge(POLICY, "+6591234567", method="MESSAGE"), "barring.incoming_international")


def test_texts_alone_can_be_barred() -> None:
    policy = company(subscriber(incoming_international_texts=True))
    assert passed(judge(policy, "+6591234567"))
    assert refused(judge(policy, "+6591234567", method="MESSAGE"), "barring.incoming_international")
    assert passed(judge(policy, STRANGER, trunk=DOMESTIC, method="MESSAGE"))
