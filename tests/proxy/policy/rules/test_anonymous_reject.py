"""Withheld identities, where the callee wants none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plays.policy_play import (
    company,
    judge,
    passed,
    refused,
    subscriber,
)

WITHHELD = (
    ("<sip:anonymous@anonymous.invalid>;tag=1", {}),
    ('"Anonymous" <sip:+6591234567@x>;tag=1', {}),
    ("<sip:192.0.2.1>;tag=1", {}),
    ("+6591234567", {"privacy": "id"}),
    ("+6591234567", {"privacy": "critical; USER"}),
    ("+6591234567", {"privacy": 'id, "critical"'}),
    ('"Anonymous\u200b" <sip:+6591234567@x>;tag=1', {}),
    ("+6591234567", {"privacy": "id", "p_asserted_identity": "<tel:+6591234567>"}),
    ("<sip:anonymous@anonymous.invalid>;tag=1", {"p_asserted_identity": "<tel:+6591234567>"}),
    ("+6591234567", {"remote_party_id": "<sip:+6591234567@x>;party=calling;privacy=full"}),
    ("+6591234567", {"remote_party_id": "<sip:+6591234567@x>;privacy=uri-network"}),
    ("+6591234567", {"remote_party_id": "<sip:+6591234567@x>;privacy=name;privacy=uri"}),
    *((word, {}) for word in ("Restricted", "unavailable", "UNKNOWN", "no%20caller%20id", "private_number",
        "Number%20Unavailable", "id-unavailable", "Anonymous%20Caller", "N%C3%BAmero%20restrito")),
    *((number, {}) for number in ("+266696687", "266696687", "00266696687", "+266-696-687")),
    ("<tel:+266696687>;tag=1", {"p_asserted_identity": "<tel:+6591234567>"}),
    ("+6591234567", {"p_asserted_identity": "<sip:restricted@x>", "privacy": "id"}),
    ('"RESTRICTED" <sip:gateway@192.0.2.1>;tag=1', {}),
    ('"No Caller ID" <sip:192.0.2.1>;tag=1', {"p_asserted_identity": "<tel:+6591234567>"}),
    ('"\u672a\u77e5\u53f7\u7801" <sip:gw@192.0.2.1>;tag=1', {}),
    ("\u533f\u540d", {}),
    ("Num%C3%A9ro%20Masqu%C3%A9", {}),
)  # fmt: skip


@pytest.mark.parametrize(("caller", "headers"), WITHHELD)
def test_a_withheld_identity_gets_433_where_the_callee_wants_that(caller: str, headers: dict[str, Any]) -> None:
    verdict = judge(company(subscriber(anonymous=True)), caller, **headers)
    assert refused(verdict, "anonymous.reject", 433)
    assert verdict.reason == "Anonymity Disallowed"
    assert passed(judge(company(subscriber()), caller, **headers))


@pytest.mark.parametrize(
    ("caller", "headers"),
    [
        ("+6591234567", {}),
        ("+6591234567", {"privacy": "none"}),
        ("<sip:unavailable@unknown.invalid>;tag=1", {}),  # unknown is not withheld
        ("<sip:192.0.2.1>;tag=1", {"p_asserted_identity": "<tel:+6591234567>"}),
        ('"Unavailable" <sip:+6591234567@x>;tag=1', {}),  # the name is, the number is not
        ("private.johnson", {}),
        ("+6591234567", {"remote_party_id": "<sip:+6591234567@x>;privacy=name"}),
        ("+6591234567", {"remote_party_id": "<sip:+6591234567@x>;party=called;privacy=full"}),
        ("+26622123456", {}),  # Lesotho
    ],
)
def test_an_identity_that_is_shown_or_only_missing_passes(caller: str, headers: dict[str, Any]) -> None:
    assert passed(judge(company(subscriber(anonymous=True)), caller, **headers))


@pytest.mark.parametrize("home", ["DE", "FR", "TW", "AU"])
def test_a_number_that_nobody_has_is_none_at_home_where_it_comes_from_abroad(home: str) -> None:
    number = {"DE": "+4930123456", "FR": "+33123456789", "TW": "+886223456789", "AU": "+61291234567"}[home]
    policy = company(subscriber(anonymous=True).but(number=number), home=home, rules="default")
    assert refused(judge(policy, "266696687", number), "anonymous.reject", 433)
