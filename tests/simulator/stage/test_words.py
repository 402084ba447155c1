"""Verdicts in words: every rule has some in both languages, and so has every form of its evidence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.counterfactual import Counterfactual
from proxy.policy.precedence import PRECEDENCE
from simulator.offline.calls import CallMaker
from simulator.offline.verdicts import Data, Deciding
from simulator.scenario.lesson import LANGUAGES
from simulator.scenario.model import load_scenarios
from simulator.stage import words
from simulator.traffic.plan import plan, populated

ROOT = Path(__file__).parents[3]
RULES = (*PRECEDENCE, "self_service")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_has_a_name_and_words_for_evidence_that_nobody_foresaw(rule: str, language: str) -> None:
    said = words.evidence(rule, "something new", "the caller", "alice")[language]

    assert said
    assert "something new" not in said
    assert words.TITLES[rule][language]


@pytest.mark.parametrize("rule", RULES)
def test_chinese_words_are_chinese_and_english_ones_are_not(rule: str) -> None:
    said = words.evidence(rule, "", "A", "B")

    assert re.search("[\u4e00-\u9fff]", said["zh"])
    assert not re.search("[\u4e00-\u9fff]", said["en"])


def test_the_evidence_names_who_is_meant() -> None:
    said = words.evidence(
        "barring.incoming_international", "overseas caller +12025550143 (US) on trunk international", "x", "alice"
    )

    assert said == {
        "en": "+12025550143 calls from abroad, and alice bars calls from abroad.",
        "zh": "+12025550143 是境外来电，而 alice 已开启境外来电拦截。",
    }


def test_what_a_caller_wrote_fills_no_braces_and_is_cut() -> None:
    said = words.evidence("subscriber.allow", f"{{callee}}{'9' * 500} is on the callee's allow list", "x", "alice")

    assert said["en"].startswith("{callee}999")
    assert len(said["en"]) < 200


@pytest.mark.parametrize(
    ("action", "service", "method", "said"),
    [
        ("reject", "", "INVITE", "Refused with 603. The phone stays silent."),
        ("reject", "rf*announce*barred", "INVITE", "Refused with 603, after an announcement"),
        ("reject", "", "MESSAGE", "The text does not arrive"),
        ("allow", "", "INVITE", "The phone rings"),
        ("allow", "", "MESSAGE", "The text arrives"),
        ("label", "", "INVITE", "with a label: “from afar”"),
        ("label", "rf*warn*+1", "INVITE", "hears a warning"),
        ("challenge", "rf*challenge*5*+1", "INVITE", "press a key"),
        ("divert", "rf*voicemail*+1", "INVITE", "voicemail"),
        ("divert", "rf*honeypot*+1", "INVITE", "keeps the caller talking"),
        ("divert", "rf*play*barred", "INVITE", "announcement"),
    ],
)
def test_what_was_decided(action: str, service: str, method: str, said: str) -> None:
    assert said in words.decided(action, 603, "from afar", service, method, "scam_list.exact")["en"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Counterfactual("scam_list.exact", "allow", by="default.allow"), "the phone would have rung"),
        (
            Counterfactual("scam_list.exact", "reject", 603, "subscriber.block"),
            "“Own block list” would have refused it",
        ),
        (Counterfactual("scam_list.exact", unknown="the request was not recorded"), "cannot be told"),
        (Counterfactual("scam_list.exact", "label", by="default.allow"), "with a label"),
        (Counterfactual("scam_list.exact", "divert", by="subscriber.block"), "diverted"),
        (Counterfactual("scam_list.exact", "challenge", by="subscriber.block"), "press a key"),
    ],
)
def test_what_would_have_happened_otherwise(found: Counterfactual, said: str) -> None:
    assert said in words.otherwise(found, "scam_list.exact", "reject", "INVITE")["en"]


def test_nothing_is_said_where_nothing_else_could_have_happened() -> None:
    assert words.otherwise(None, "default.allow", "allow", "INVITE") == {}


def test_a_rule_in_shadow_mode_says_what_it_would_have_done() -> None:
    trace = [("scam_list.exact", "shadow", "reject", "listed"), ("default.allow", "enforce", "allow", "")]

    said = words.otherwise(None, "default.allow", "allow", "INVITE", trace=trace)

    assert said["en"] == "“Reported number”, which is only noted, would have stopped it."


def test_the_evidence_of_every_shipped_scenario_has_words_of_its_own() -> None:
    told: set[tuple[str, str]] = set()
    data = Data()
    for scenario, _ in load_scenarios([ROOT / "scenarios"]):
        people = populated(scenario, scenario.seed)
        deciding = Deciding(people, data)
        maker = CallMaker(people, deciding.numbering, 1.7e9)
        calls = ((maker.make(planned), maker.trunks[planned.trunk]) for planned in plan(scenario))
        told |= {(each.rule, each.detail) for each in deciding.verdicts(calls) if each is not None}

    general = {rule: words.evidence(rule, "something new", "x", "y") for rule in RULES}
    several = {rule for rule, forms in words._REASONS.items() if len(forms) > 1}
    without = [key for key in told if key[0] in several and words.evidence(key[0], key[1], "x", "y") == general[key[0]]]
    assert len(told) > 50
    assert [key for key in without if key[0] != "self_service"] == []
