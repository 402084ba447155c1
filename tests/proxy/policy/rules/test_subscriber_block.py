"""Callers on the callee's block list, however list and number are written."""

from __future__ import annotations

import pytest

from proxy.numbers.numbering import Numbering
from proxy.policy.profile_fields import at_home
from tests.plays.policy_play import (
    ALICE,
    BOB,
    DOMESTIC,
    PHONES,
    company,
    judge,
    passed,
    refused,
    subscriber,
)

SPELLINGS = (
    *("+447700900123", "07700900123", "00447700900123", "+44(0)7700900123", "447700900123", "+44-7700-900123"),
    *("<sip:+447700900123@example.com;user=phone>;tag=1", "<tel:+44-7700-900123>;tag=1"),
    "<tel:07700900123;phone-context=+44>;tag=1",
)


@pytest.mark.parametrize(
    ("pattern", "caller"),
    [
        ("+1900*", "+19005550123"),
        ("+6591234567", "006591234567"),
        ("00*", "006591234567"),
        ("9*", "95588"),
        ("95588", "95588"),
    ],
)
def test_a_blocked_caller_is_refused(pattern: str, caller: str) -> None:
    assert refused(judge(company(subscriber(block=(pattern,))), caller, trunk=DOMESTIC), "subscriber.block")


@pytest.mark.parametrize(
    ("home", "written", "caller", "fits"),
    [
        *[("GB", "07700900123", caller, True) for caller in SPELLINGS],
        *[("GB", "0044 7700 900123", caller, True) for caller in SPELLINGS],
        *[("GB", "077*", caller, True) for caller in SPELLINGS],
        *[("GB", "+44 (0)77*", caller, True) for caller in SPELLINGS],
        *[("GB", "00*", caller, False) for caller in SPELLINGS],
        ("DE", "0160*", "+491601234567", True),
        ("DE", "0160*", "01601234567", True),
        ("DE", "0160*", "+491701234567", False),
        ("GB", "00*", "+33142685300", True),
        ("GB", "00*", "0033142685300", True),
        ("GB", "00*", "+15550100000", True),
        ("GB", "00*", "+442079460101", False),
        ("US", "011*", "+442079460101", True),
        ("US", "011*", "+14165550123", False),
        ("US", "1900*", "9005550123", True),
        ("US", "900*", "+19005550123", True),
        ("CN", "95*", "95588", True),
        ("CN", "95*", "+8695588", True),
        ("CN", "95*", "+869512345678", False),
        ("CN", "10086", "+8610086", True),
        ("CN", "138*", "+8613800138009", True),
        ("CN", "010*", "01062345678", True),
        ("CN", "010*", "+861062345678", True),
        ("IT", "06*", "0669812345", True),
        ("IT", "06*", "+39669812345", False),
    ],
)
def test_a_list_as_people_dial_means_the_number_however_it_is_presented(
    home: str, written: str, caller: str, fits: bool
) -> None:
    numbering = Numbering(home)
    blocking = at_home(subscriber(block=(written,)), numbering)
    verdict = judge(company(blocking, home=home, rules="default"), caller, trunk=DOMESTIC)
    assert (verdict.rule == "subscriber.block") is fits
    allowing = at_home(subscriber(allow=(written,), all_incoming=True), numbering)
    verdict = judge(company(allowing, home=home, rules="default"), caller, trunk=DOMESTIC)
    assert (verdict.rule == "subscriber.allow") is fits


def test_a_block_list_is_not_about_whom_its_owner_calls() -> None:
    assert passed(judge(company(subscriber(block=("+1900*",))), ALICE, "+19005550123", PHONES))


def test_the_callee_may_be_dialled_the_national_way() -> None:
    assert refused(judge(company(subscriber(block=(BOB,))), BOB, "13800138001", PHONES), "subscriber.block")
