"""Callers on a scam list, by number."""

from __future__ import annotations

import pytest

from tests.plays.policy_play import (
    DOMESTIC,
    STRANGER,
    Listed,
    company,
    judge,
    passed,
    refused,
    said,
    subscriber,
)


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [("+23224123456", "scam_list.exact"), ("+23224*", "scam_list.prefix"), ("+2*", "scam_list.prefix")],
)
def test_a_listed_caller_is_refused(pattern: str, rule: str) -> None:
    verdict = judge(company(listed=(Listed(pattern),)), "+23224123456")
    assert refused(verdict, rule)
    assert verdict.detail == f"{pattern} is listed by reports for wangiri (0.90)"


@pytest.mark.parametrize("asserted", ["<tel:+6591234567>", "<sip:bank@x>", "<tel:+6591234567>, <tel:+23224123456>"])
def test_every_number_that_is_presented_is_looked_up(asserted: str) -> None:
    caller = "+6591234567" if "+232" in asserted else "<sip:+23224123456@anonymous.invalid>;tag=1"
    policy = company(listed=(Listed("+23224123456"),))
    assert refused(judge(policy, caller, p_asserted_identity=asserted), "scam_list.exact")
    blocking = company(subscriber(block=("+23224*",)))
    assert refused(judge(blocking, caller, p_asserted_identity=asserted), "subscriber.block")


def test_a_number_listed_with_too_little_confidence_does_not_hide_another() -> None:
    policy = company(listed=(Listed("+6591234567", confidence=0.1), Listed("+23224123456")))
    assert refused(judge(policy, "+23224123456", p_asserted_identity="<tel:+6591234567>"), "scam_list.exact")


def test_a_listed_home_number_is_refused_however_it_is_written() -> None:
    policy = company(listed=(Listed(STRANGER),))
    assert refused(judge(policy, "13900139003", trunk=DOMESTIC), "scam_list.exact")


@pytest.mark.parametrize("caller", ["+23225123456", "nobody", "anonymous", "10086"])
def test_others_pass(caller: str) -> None:
    policy = company(listed=(Listed("+23224*"), Listed("+23224123456")))
    assert judge(policy, caller, trunk=DOMESTIC).action in ("allow", "label")


@pytest.mark.parametrize(("pattern", "rule"), [("+23224123456", "scam_list.exact"), ("+23224*", "scam_list.prefix")])
def test_an_entry_of_little_confidence_does_not_count(pattern: str, rule: str) -> None:
    verdict = judge(company(listed=(Listed(pattern, confidence=0.49),)), "+23224123456")
    assert passed(verdict)
    assert said(verdict, rule) == f"no_match: {pattern} is listed with a confidence of 0.49 only"
    assert refused(judge(company(listed=(Listed(pattern, confidence=0.5),)), "+23224123456"), rule)
