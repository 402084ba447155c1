"""Numbers at home that come in from abroad."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.policy.trunks import Trunk
from tests.plays.policy_play import (
    ALICE,
    BOB,
    DOMESTIC,
    FROM_ABROAD,
    PHONES,
    STRANGER,
    UNTRUSTED_FROM_ABROAD,
    company,
    judge,
    passed,
    refused,
    said,
    subscriber,
)


@pytest.mark.parametrize(
    "caller",
    [
        "+862062345678",  # fixed
        "02062345678",
        "008613900139003",  # a mobile, with the trace of a gateway
        STRANGER,
        "13900139003",
        "10086",
        "+10086",
        "+8610086",
        "96110",
        "110",
        "+8613",  # too short
        "++8613900139003",
        "+008613900139003",
        "+０８６13900139003",
        "+864001234567",
    ],
)
def test_a_home_number_from_abroad_is_refused_for_everybody(caller: str) -> None:
    assert refused(judge(company(), caller, BOB), "spoofed.home_number")


def test_a_number_on_the_callees_allow_list_vouches_for_no_other_beside_it() -> None:
    policy = company(subscriber(allow=("+6591234567", "+65*")))
    friend: dict[str, Any] = {"p_asserted_identity": "<tel:+6591234567>"}
    assert judge(policy, "+6591234567", **friend).rule == "subscriber.allow"
    assert judge(policy, "+6598765432", **friend).rule == "subscriber.allow"
    assert refused(judge(policy, "110", **friend), "spoofed.home_number")
    both: dict[str, Any] = {"p_asserted_identity": "<tel:+6591234567>, <tel:+861066108003>"}
    assert refused(judge(policy, "+6591234567", **both), "spoofed.home_number")


@pytest.mark.parametrize("host", ["anonymous.invalid", "anonymous.invalid.example", "Anonymous.invalid:5060"])
@pytest.mark.parametrize("caller", ["+861012345678", "10086", "110"])
def test_no_host_hides_a_home_number(caller: str, host: str) -> None:
    for trunk in (FROM_ABROAD, UNTRUSTED_FROM_ABROAD):
        assert refused(judge(company(), f"<sip:{caller}@{host}>;tag=1", BOB, trunk), "spoofed.home_number")


@pytest.mark.parametrize("caller", ["+861012345678", "10086", "110", f"<sip:{STRANGER}@anonymous.invalid>;tag=1"])
@pytest.mark.parametrize("asserted", ["<tel:+6591234567>", "<sip:bank@x>", "<sip:bank@x>, <tel:+6591234567>"])
def test_what_from_shows_is_judged_beside_what_is_asserted(caller: str, asserted: str) -> None:
    assert refused(judge(company(), caller, BOB, p_asserted_identity=asserted), "spoofed.home_number")


def test_every_asserted_number_is_judged() -> None:
    asserted = "<tel:+6591234567>, <sip:+861012345678@x>"
    assert refused(judge(company(), "+6591234567", BOB, p_asserted_identity=asserted), "spoofed.home_number")
    roamer = company(subscriber(ALICE, roaming=True))
    both = f"<tel:+6591234567>, <sip:{ALICE}@x>"
    assert passed(judge(roamer, "+6591234567", BOB, p_asserted_identity=both))


def test_a_forwarded_line_lets_no_short_code_pass_beside_it() -> None:
    policy = company(subscriber(BOB))
    forwarded: dict[str, Any] = {"p_asserted_identity": f"<sip:{STRANGER}@x>", "diversion": f"<sip:{BOB}@x>"}
    assert passed(judge(policy, "+862062345678", **forwarded))
    assert refused(judge(policy, "10086", **forwarded), "spoofed.home_number")


@pytest.mark.parametrize("caller", ["+6591234567", "+85291234567", "+85366123456", "+886912345678", "alice"])
def test_overseas_numbers_are_not_spoofed(caller: str) -> None:
    assert passed(judge(company(subscriber()), caller))


def test_home_numbers_on_home_trunks_are_not_spoofed() -> None:
    assert passed(judge(company(), "+862062345678", BOB, DOMESTIC))
    assert passed(judge(company(), ALICE, BOB, PHONES))


def test_a_roaming_subscriber_passes_and_one_at_home_does_not() -> None:
    assert passed(judge(company(subscriber(ALICE, roaming=True)), ALICE, BOB))
    assert refused(judge(company(subscriber(ALICE)), ALICE, BOB), "spoofed.home_number")


def test_a_fixed_line_does_not_roam() -> None:
    policy = company(subscriber("+862062345678", roaming=True))
    assert refused(judge(policy, "+862062345678", BOB), "spoofed.home_number")


@pytest.mark.parametrize("caller", [STRANGER, "+862062345678"])
@pytest.mark.parametrize(
    "forwarding",
    [
        {"diversion": f"<sip:{BOB}@192.0.2.1>;reason=unconditional"},
        {"diversion": f"<tel:+6591234567>;reason=no-answer, <tel:{BOB}>;reason=user-busy"},
        {"history_info": f"<sip:{BOB}@192.0.2.1>;index=1, <sip:{ALICE}@192.0.2.1?Reason=SIP>;index=1.1"},
    ],
)
def test_a_call_that_a_subscriber_forwarded_comes_home(forwarding: dict[str, Any], caller: str) -> None:
    policy = company(subscriber(incoming_international=True), subscriber(BOB))
    verdict = judge(policy, caller, ALICE, **forwarding)
    assert passed(verdict)
    assert said(verdict, "spoofed.home_number") == "no_match: forwarded home by one of our subscribers"


@pytest.mark.parametrize(
    ("caller", "trunk", "diversion"),
    [
        (STRANGER, FROM_ABROAD, f"<sip:{ALICE}@x>"),  # the callee: a number that every caller knows
        (STRANGER, FROM_ABROAD, "<sip:+8613700137000@x>"),  # no subscriber of ours
        (STRANGER, FROM_ABROAD, "<sip:+6591234567@x>"),
        (STRANGER, FROM_ABROAD, "<<>>"),
        (STRANGER, UNTRUSTED_FROM_ABROAD, f"<sip:{BOB}@x>"),
        ("110", FROM_ABROAD, f"<sip:{BOB}@x>"),
        ("96110", FROM_ABROAD, f"<sip:{BOB}@x>"),
        ("++8613900139003", FROM_ABROAD, f"<sip:{BOB}@x>"),
    ],
)
def test_a_forged_diversion_does_not_help(caller: str, trunk: Trunk, diversion: str) -> None:
    policy = company(subscriber(), subscriber(BOB))
    assert refused(judge(policy, caller, ALICE, trunk, diversion=diversion), "spoofed.home_number")


def test_an_empty_forwarding_history_proves_nothing() -> None:
    policy = company(subscriber(), subscriber(BOB))
    verdict = judge(policy, STRANGER, ALICE, history_info=f"<sip:{BOB}@x>;index=1")  # the target itself
    assert refused(verdict, "spoofed.home_number")


@pytest.mark.parametrize(
    ("home", "rules", "caller", "spoofed"),
    [
        ("SG", "sg", "+6591234567", True),
        ("GB", "gb", "+442079460123", True),
        ("GB", "gb", "+441534456789", True),
        ("GB", "gb", "+447700900123", False),
        ("AU", "au", "+611800123456", True),
        ("AU", "au", "+61491570156", False),
        ("US", "us", "+12025550123", False),
        ("IN", "in", "+919876543210", True),
        ("TW", "tw", "+886223456789", True),
        ("TW", "tw", "+886912345678", False),
        ("FR", "default", "+33123456789", True),
    ],
)
def test_each_country_has_its_own_view(home: str, rules: str, caller: str, spoofed: bool) -> None:
    verdict = judge(company(home=home, rules=rules), caller, "+8613800138001")
    assert verdict.rule == ("spoofed.home_number" if spoofed else "default.allow")


@pytest.mark.parametrize(
    ("roaming", "rule", "action"),
    [
        (None, "default.allow", "label"),
        (True, "default.allow", "allow"),
        (False, "spoofed.home_number", "reject"),
    ],
)
def test_in_taiwan_a_mobile_calls_from_abroad_unless_its_owner_is_at_home(
    roaming: bool | None, rule: str, action: str
) -> None:
    mobile = "+886912345678"
    owners = [] if roaming is None else [subscriber(mobile, roaming=roaming)]
    verdict = judge(company(*owners, home="TW", rules="tw"), mobile, "+886223456789")
    assert (verdict.rule, verdict.action) == (rule, action)
    assert verdict.service == ("rf*warn*+886223456789" if action == "label" else "")


def test_in_taiwan_nobody_is_warned_of_calls_from_other_countries() -> None:
    assert judge(company(home="TW", rules="tw"), "+6591234567", "+886223456789").action == "allow"


POLICY = company(subscriber().but(number="+442079460101", allow=("+33612345678",)), home="GB", rules="gb")


@pytest.mark.parametrize("written", ["612345678", "0612345678", "06-12-34-56-78"])
def test_what_their_context_tells_is_not_held_against_them(written: str) -> None:
    asserted = f"<tel:{written};phone-context=+33>"
    verdict = judge(POLICY, "+33612345678", "+442079460101", FROM_ABROAD, p_asserted_identity=asserted)
    assert verdict.rule == "subscriber.allow"


@pytest.mark.parametrize("written", ["02079460123", "101", "999"])
def test_but_what_people_read_as_a_number_at_home_is(written: str) -> None:
    asserted = f"<tel:{written};phone-context=+33>"
    verdict = judge(POLICY, "+33612345678", "+442079460101", FROM_ABROAD, p_asserted_identity=asserted)
    assert refused(verdict, "spoofed.home_number")
