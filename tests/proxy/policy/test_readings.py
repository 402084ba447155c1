"""Numbers without a plus: what they are taken for on which trunk, and that nobody slips through by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.numbers.numbering import Written
from proxy.policy.call import Call
from proxy.policy.readings import ambiguity
from proxy.policy.trunks import Trunk
from proxy.presets import preset
from tests.plays.policy_play import (
    ALICE,
    BOB,
    DOMESTIC,
    FROM_ABROAD,
    PHONES,
    Listed,
    company,
    judge,
    request,
    said,
    subscriber,
)

CHICAGO, CHINESE = "+13125550143", "+8613125550143"
BARE = "13125550143"  # either


def call(caller: str, trunk: Trunk = FROM_ABROAD, callee: str = ALICE, home: str = "CN", rules: str = "cn") -> Call:
    return Call.from_request(request(caller, callee), trunk, preset.numbering(home, preset.load(rules)), 0.0)


@pytest.mark.parametrize(("trunk", "numbers", "e164", "region"), [
    (FROM_ABROAD, "either", CHICAGO, "US"),
    (FROM_ABROAD, "international", CHICAGO, "US"),
    (FROM_ABROAD, "national", CHINESE, "CN"),
    (DOMESTIC, "either", CHINESE, "CN"),
    (DOMESTIC, "international", CHICAGO, "US"),
    (DOMESTIC, "national", CHINESE, "CN"),
    (PHONES, "either", CHINESE, "CN"),
])  # fmt: skip
def test_a_trunk_says_how_it_writes_numbers(trunk: Trunk, numbers: Written, e164: str, region: str) -> None:
    caller = call(BARE, replace(trunk, numbers=numbers)).caller
    assert (caller.e164, caller.region, caller.presented) == (e164, region, BARE)


@pytest.mark.parametrize(("home", "rules", "caller", "e164"), [
    ("CN", "cn", "442079460123", "+442079460123"),
    ("CN", "cn", "6591234567", "+6591234567"),
    ("GB", "gb", "13125550143", CHICAGO),
    ("SG", "sg", "13125550143", CHICAGO),
    ("SG", "sg", "8613800138001", "+8613800138001"),
    ("US", "us", "442079460123", "+442079460123"),
    ("US", "us", "13125550143", CHICAGO),
    ("RU", "default", "84951234567", "+84951234567"),  # in Viet Nam, or in Moscow as dialled at home
    ("AU", "au", "61291920123", "+61291920123"),
    ("GB", "gb", "4407700900123", "+447700900123"),
])  # fmt: skip
def test_from_abroad_a_number_without_a_plus_is_one_abroad(home: str, rules: str, caller: str, e164: str) -> None:
    assert call(caller, home=home, rules=rules).caller.e164 == e164


@pytest.mark.parametrize("caller", ["13900139003", "14812345678", "14612345678", "17491234567", "02062345678",
                                    "95105105", "10690000123456", "106575258192", "10086", "4001234567"])  # fmt: skip
def test_from_abroad_what_can_only_be_a_number_at_home_is_forged(caller: str) -> None:
    assert judge(company(subscriber()), caller).rule == "spoofed.home_number"


def test_from_abroad_a_few_digits_that_are_a_number_at_home_are_that() -> None:
    """63234567 is a line in Singapore; with the country code of the Philippines hardly anybody has so short a one."""
    singapore = company(subscriber("+6591234567"), home="SG", rules="sg")
    for caller in ("63234567", "82311234", "91234568"):
        assert judge(singapore, caller, "+6591234567").rule == "spoofed.home_number"
    for home, rules in (("CN", "cn"), ("AU", "au")):  # not one that nobody dials so
        assert call("29022158", home=home, rules=rules).caller.e164 == "+29022158"
        assert call("298201234", home=home, rules=rules).caller.e164 == "+298201234"


def test_the_chicago_number_is_labelled_and_an_allow_list_helps() -> None:
    policy = company(subscriber(), subscriber(BOB, allow=(CHICAGO,)))
    assert (judge(policy, BARE).rule, judge(policy, BARE).label) == ("default.allow", "境外来电：美国")
    assert judge(policy, BARE, BOB).rule == "subscriber.allow"
    # The number at home that it looks like lets nobody in.
    assert judge(company(subscriber(allow=(CHINESE,))), BARE).rule == "default.allow"


@pytest.mark.parametrize("asserted", [f"<sip:{BARE}@h;user=phone>", f"<tel:{CHICAGO}>"])
def test_an_asserted_number_without_a_plus_is_read_like_that_in_from(asserted: str) -> None:
    verdict = judge(company(subscriber(allow=(CHICAGO,))), BARE, p_asserted_identity=asserted)
    assert verdict.rule == "subscriber.allow"


@pytest.mark.parametrize("listed", [CHICAGO, CHINESE, "+1312*", "+8613125*"])
def test_from_abroad_lists_that_keep_callers_out_look_at_both_readings(listed: str) -> None:
    scam = company(subscriber(), listed=(Listed(listed),))
    assert judge(scam, BARE).rule == ("scam_list.prefix" if listed.endswith("*") else "scam_list.exact")
    assert judge(company(subscriber(block=(listed,))), BARE).rule == "subscriber.block"


def test_at_home_a_blocked_country_blocks_no_mobile_that_looks_like_its_numbers() -> None:
    policy = company(subscriber(block=("+1*",)), listed=(Listed("+1312*"),))
    assert judge(policy, BARE, trunk=DOMESTIC).rule == "default.allow"
    for blocked in (CHICAGO, CHINESE):
        assert judge(company(subscriber(block=(blocked,))), BARE, trunk=DOMESTIC).rule == "subscriber.block"
        assert judge(company(subscriber(), listed=(Listed(blocked),)), BARE, trunk=DOMESTIC).rule == "scam_list.exact"


def test_where_the_trunk_says_how_it_writes_numbers_the_other_reading_blocks_nobody() -> None:
    trunk = replace(FROM_ABROAD, numbers="international")
    policy = company(subscriber(block=(CHINESE,)), listed=(Listed(CHINESE),))
    assert judge(policy, BARE, trunk=trunk).rule == "default.allow"


@pytest.mark.parametrize("caller", ["++442079460123", "+00442079460123", "+４４2079460123"])
def test_a_malformed_number_is_held_against_lists_as_what_it_pretends_to_be(caller: str) -> None:
    assert judge(company(subscriber(block=("+442079460123",))), caller, trunk=DOMESTIC).rule == "subscriber.block"
    assert judge(company(subscriber(), listed=(Listed("+4420*"),)), caller, trunk=DOMESTIC).rule == "scam_list.prefix"
    assert judge(company(subscriber(allow=("+442079460123",))), caller, trunk=DOMESTIC).rule == "default.allow"


def test_a_home_number_without_its_prefix_is_held_against_lists() -> None:
    alice, listed = "+442079460101", (Listed("+447700900123"),)
    policy = company(subscriber(alice, block=("+447700900765",)), home="GB", rules="gb", listed=listed)
    assert judge(policy, "7700900123", alice, DOMESTIC).rule == "scam_list.exact"
    assert judge(policy, "7700900765", alice, DOMESTIC).rule == "subscriber.block"


def test_a_callee_is_whoever_the_softswitch_may_ring() -> None:
    policy = company(subscriber(CHINESE, incoming_international=True))
    for numbers in ("either", "national", "international"):
        verdict = judge(policy, "+442079460123", BARE, replace(FROM_ABROAD, numbers=numbers))
        assert verdict.rule == "barring.incoming_international"


def test_the_trace_says_how_an_ambiguous_number_was_read() -> None:
    policy = company(subscriber())
    both = f"read: {BARE} reads as {CHICAGO} (US) and as {CHINESE} (CN), taken for the first on trunk international"
    assert said(judge(policy, BARE), "numbers") == f"{both} (numbers: either)"
    plain = "read: 442079460123 reads as +442079460123 (GB) on trunk international (numbers: either)"
    assert said(judge(policy, "442079460123"), "numbers") == plain
    for caller in (CHICAGO, "02062345678", "anonymous"):
        assert "numbers" not in [step.rule for step in judge(policy, caller).trace]


def test_an_ambiguity_is_told_in_words() -> None:
    numbering = preset.numbering("CN", preset.load("cn"))
    at_home = numbering.as_written("either", abroad=False).understand(BARE)
    assert ambiguity(at_home, numbering) == f"{BARE} reads as {CHINESE} (CN) and as {CHICAGO} (US)"
    assert ambiguity(numbering.understand(CHICAGO), numbering) == ""


@pytest.mark.parametrize(("home", "rules", "caller"), [
    ("CN", "cn", "14612345678"), ("CN", "cn", "14812345678"), ("CN", "cn", "14912345678"), ("CN", "cn", "17412345678"),
    ("CN", "cn", "14802345678"), ("CN", "cn", "1064812345678"), ("CN", "cn", "10690123456"),
    ("CN", "cn", "106575258192"), ("CN", "cn", "10655020092555"), ("CN", "cn", "95105105"), ("CN", "cn", "95588"),
    ("CN", "cn", "955880000"[:8]), ("CN", "cn", "12381"), ("CN", "cn", "4001234567"), ("CN", "cn", "8008101234"),
    ("CN", "cn", "62345678"), ("CN", "cn", "67712345"), ("CN", "cn", "6836123"), ("CN", "default", "14612345678"),
    ("CN", "default", "95105105"), ("AU", "au", "131114"), ("AU", "au", "1300123456"), ("AU", "au", "1800123456"),
    ("AU", "au", "1802345"), ("AU", "au", "13451234"), ("AU", "au", "67712345"), ("AU", "au", "0534838072"),
    ("SG", "sg", "1800123"), ("SG", "sg", "18002255555"), ("SG", "sg", "39412057"), ("SG", "sg", "80038251"),
    ("SG", "sg", "1711"), ("IN", "in", "1600112345"), ("IN", "in", "1401234567"), ("IN", "in", "18001234567"),
    ("IN", "in", "18602662666"), ("IN", "in", "19027069575"), ("IN", "in", "5755749653456"), ("IN", "in", "67712345"),
    ("IN", "in", "56767"), ("TW", "tw", "0800123456"), ("TW", "tw", "165"), ("TW", "tw", "4128000"),
    ("TW", "tw", "29012345"), ("TW", "tw", "27712345"), ("TW", "tw", "64507665"), ("GB", "gb", "116123"),
    ("GB", "gb", "67712345"), ("GB", "gb", "79460123"), ("GB", "gb", "18000"), ("GB", "gb", "08001111"),
    ("US", "us", "3125550143"), ("US", "us", "8225550100"), ("US", "us", "4592345678"), ("US", "us", "6775550"),
    ("US", "us", "2741234"), ("US", "us", "262966"), ("US", "us", "811"),
])  # fmt: skip
def test_at_home_whatever_can_be_dialled_there_is_no_number_abroad(home: str, rules: str, caller: str) -> None:
    """Neither as caller on a domestic trunk, nor as callee of a phone whose owner barred calls abroad."""
    numbering = preset.numbering(home, preset.load(rules))
    for number in (numbering.understand(caller), call(caller, DOMESTIC, home=home, rules=rules).caller):
        assert number.region == home or (home == "US" and number.region in ("US", "CA")), number


def test_mobiles_that_the_numbering_data_lacks_are_mobiles() -> None:
    numbering = preset.numbering("CN", preset.load("cn"))
    for text in ("+8614612345678", "14812345678", "+8617411234567", "0086-149-1234-5678", "+86 0 146 1234 5678"):
        assert numbering.understand(text).kind == "mobile", text
    roaming = company(subscriber(BOB), subscriber("+8614812345678", roaming=True))
    assert judge(roaming, "+8614812345678", BOB).rule == "default.allow"
    assert judge(roaming, "+8614812345679", BOB).rule == "spoofed.home_number"
    assert numbering.understand("+861066108003").kind == "fixed"  # in Beijing: 106 begins no service sender here
    assert numbering.understand("+8695105105").kind == "short_code"
