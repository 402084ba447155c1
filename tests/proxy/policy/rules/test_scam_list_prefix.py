"""Callers on a scam list, by the beginning of their number."""

from __future__ import annotations

from proxy.policy.ruleset import ScamListRules
from proxy.presets.preset import Preset
from tests.plays.policy_play import (
    NOON,
    Listed,
    company,
    judge,
    passed,
    refused,
    said,
)


def test_an_entry_counts_until_it_expires() -> None:
    policy = company(listed=(Listed("+23224*", expires=NOON),))
    assert refused(judge(policy, "+23224123456", at=NOON - 1), "scam_list.prefix")
    assert passed(judge(policy, "+23224123456", at=NOON))


def test_only_the_categories_of_the_preset_count() -> None:
    rules = Preset("wangiri only", scam_list=ScamListRules(categories=frozenset(("wangiri",))))
    listed = (Listed("+23224*"), Listed("+23225*", category="survey"))
    policy = company(rules=rules, listed=listed)
    assert refused(judge(policy, "+23224123456"), "scam_list.prefix")
    verdict = judge(policy, "+23225123456")
    assert said(verdict, "scam_list.prefix") == "no_match: +23225* is listed for survey, which does not count here"
