"""Callers from outside who show the callee's own number."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.policy.trunks import Trunk
from proxy.policy.verdict import Verdict
from tests.plays.policy_play import (
    DOMESTIC,
    FROM_ABROAD,
    PHONES,
    UNTRUSTED_DOMESTIC,
    UNTRUSTED_FROM_ABROAD,
    company,
    judge,
    passed,
    refused,
    subscriber,
)

LONDON = "+442079460101"


POLICY = company(subscriber(LONDON), subscriber("+447700900101", roaming=True), home="GB", rules="gb")


def judged(caller: str, callee: str = LONDON, trunk: Trunk = FROM_ABROAD, **more: Any) -> Verdict:
    return judge(POLICY, caller, callee, trunk, **more)


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize("trunk", [FROM_ABROAD, UNTRUSTED_FROM_ABROAD, DOMESTIC, UNTRUSTED_DOMESTIC])
@pytest.mark.parametrize(
    "caller",
    [
        "+442079460101", "442079460101", "00442079460101", "02079460101", "020-7946-0101", "%2B442079460101",
        "++442079460101", "+00442079460101", "+44(0)2079460101", "+442079460101;npdi;rn=+447700900999",
        '"+44 20 7946 0101" <sip:+6591234567@x>;tag=1', '"Call 020 7946 0101 now" <sip:anonymous@x>;tag=1',
        '"\uff10\uff12\uff10 7946 0101" <sip:+6591234567@x>;tag=1',
    ],
)  # fmt: skip
def test_nobody_outside_shows_the_callees_number(caller: str, trunk: Trunk, method: str) -> None:
    assert refused(judged(caller, trunk=trunk, method=method), "spoofed.own_number")


@pytest.mark.parametrize("callee", ["02079460101", "442079460101", "tel:+44-20-7946-0101"])
def test_however_the_callee_is_dialled(callee: str) -> None:
    assert refused(judged(LONDON, callee), "spoofed.own_number")


@pytest.mark.parametrize("header", ["p_asserted_identity", "remote_party_id"])
def test_be_it_one_number_of_several(header: str) -> None:
    more: dict[str, Any] = {header: f"<tel:{LONDON}>"}
    assert refused(judged("+6591234567", **more), "spoofed.own_number")
    assert judged("+6591234567", trunk=UNTRUSTED_FROM_ABROAD, **more).rule == "default.allow"


@pytest.mark.parametrize("callee", ["+442079460101", "02079460101"])
def test_a_network_may_say_whom_it_calls(callee: str) -> None:
    about = "<sip:+442079460199@x>;party=calling, <sip:+442079460101@x>;party=called;privacy=off"
    assert passed(judged("+442079460199", callee, DOMESTIC, remote_party_id=about))
    for shown in ("<sip:+442079460101@x>;party=calling", "<sip:+442079460101@x>;party=called-by"):
        assert refused(judged("+442079460199", callee, DOMESTIC, remote_party_id=shown), "spoofed.own_number")


def test_another_number_is_looked_at_whatever_it_is_said_to_be() -> None:
    about: dict[str, Any] = {"remote_party_id": "<sip:+442079460999@x>;party=called"}
    assert refused(judged("+6591234567", **about), "spoofed.home_number")


def test_a_diversion_by_the_callee_is_no_excuse() -> None:
    diverted = {"diversion": f"<tel:{LONDON}>"}
    assert refused(judged(LONDON, trunk=DOMESTIC, **diverted), "spoofed.own_number")


def test_no_subscriber_of_ours_has_to_be_called() -> None:
    assert refused(judged("+447700900999", "+447700900999"), "spoofed.own_number")


@pytest.mark.parametrize("trunk", [FROM_ABROAD, DOMESTIC])
def test_who_is_roaming_may_call_themselves(trunk: Trunk) -> None:
    assert passed(judged("+447700900101", "+447700900101", trunk))


def test_everybody_may_from_a_phone_and_by_their_allow_list() -> None:
    assert passed(judged(LONDON, trunk=PHONES))
    allowing = company(subscriber(LONDON, allow=(LONDON,)), home="GB", rules="gb")
    assert judge(allowing, LONDON, LONDON, DOMESTIC).rule == "subscriber.allow"


@pytest.mark.parametrize("caller", ["+442079460102", "02079460", '"Flat 101" <sip:+6591234567@x>;tag=1', "anonymous"])
def test_other_numbers_are_not_meant(caller: str) -> None:
    assert passed(judged(caller, trunk=DOMESTIC))


def test_callees_without_a_number_have_none_to_show() -> None:
    assert passed(judged("10086", "10086", DOMESTIC))
