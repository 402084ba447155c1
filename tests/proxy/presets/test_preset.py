"""The rule sets shipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from phonenumbers import SUPPORTED_REGIONS
from pydantic import TypeAdapter, ValidationError

from proxy.config.models import load_config
from proxy.numbers.numbering import Numbering
from proxy.policy.engine import Policy
from proxy.policy.precedence import SETTABLE
from proxy.presets import preset
from proxy.process.loading import load_snapshot
from tests.plays.config_text import HEAD
from tests.plays.policy_play import DOMESTIC, STRANGER, company, judge, subscriber

HOMES = {"au": "AU", "cn": "CN", "gb": "GB", "in": "IN", "sg": "SG", "tw": "TW", "us": "US"}


def test_the_presets_are_those_promised() -> None:
    assert preset.names() == tuple(sorted([*HOMES, "default"]))


@pytest.mark.parametrize("name", preset.names())
def test_a_preset_sets_modes_of_rules_that_exist(name: str) -> None:
    assert preset.load(name).modes.keys() <= set(SETTABLE)


@pytest.mark.parametrize(("name", "home"), HOMES.items())
def test_a_preset_knows_its_home_and_its_emergency_numbers(name: str, home: str) -> None:
    rules = preset.load(name)
    assert home in rules.home_regions
    numbering = Numbering(home, rules.emergency)
    assert rules.emergency
    assert all(numbering.understand(number).is_emergency for number in rules.emergency)


def test_orders_go_to_no_number_that_is_for_emergencies_in_any_country() -> None:
    """The config is asked about numbers of its own; calls to emergency numbers are never held up for a password."""
    rules = [preset.load(name) for name in preset.names()]
    numbers = {number for each in rules for number in each.vocabulary.numbers}
    emergency = {number for each in rules for number in each.emergency}
    for home in SUPPORTED_REGIONS:
        numbering = Numbering(home, emergency)
        assert not [number for number in numbers if numbering.understand(number).is_emergency], home


def test_hong_kong_macao_and_taiwan_are_overseas_to_the_mainland() -> None:
    assert not preset.load("cn").home_regions & {"HK", "MO", "TW"}


def test_calls_from_overseas_to_the_mainland_show_where_they_come_from() -> None:
    policy = company(subscriber(allow=("+852*",)))
    for caller, label in (("+6591234567", "境外来电：新加坡"), ("+85255501234", "境外来电：香港")):
        assert judge(policy, caller).label == label
    named = judge(policy, '"Wei" <sip:+85255501234@127.0.1.1>;tag=1')
    assert (named.rule, named.label) == ("subscriber.allow", "境外来电：香港 (Wei)")
    assert judge(policy, STRANGER, trunk=DOMESTIC).label == ""


def test_calls_from_abroad_to_india_are_marked() -> None:
    policy = company(home="IN", rules="in")
    assert judge(policy, "+6591234567", "+919876543210").label == "International call"


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"au, cn, default.*not 'uk'"):
        preset.load("uk")


@pytest.mark.parametrize("name", preset.names())
def test_words_for_a_withheld_number_are_shared_and_each_is_one(name: str) -> None:
    words = preset.load(name).withheld_by
    assert {"Restricted", "Unavailable", "+266696687"} <= words
    numbering = Numbering("CN", withheld=words)
    assert all(numbering.understand(word).kind == "anonymous" for word in words)


@pytest.mark.parametrize("entry", ["266696687", "Room 7", "+44", ""])
def test_what_is_neither_a_word_nor_a_number_withholds_nothing(entry: str) -> None:
    with pytest.raises(ValidationError, match=r"a word such as Restricted"):
        TypeAdapter(preset.Preset).validate_python({"description": "x", "withheld": [entry]})


def test_a_config_says_which_entries_of_scam_lists_count_in_the_place_of_the_presets(tmp_path: Path) -> None:
    (tmp_path / "listed.csv").write_text(
        "number,category,confidence,source,expires\n+447700900123,wangiri,0.7,reports,2099-01-01\n", encoding="utf-8"
    )
    path = tmp_path / "proxy.yaml"
    found = []
    for said in ("", "scam_list: {min_confidence: 0.8}\n", "scam_list: {categories: [fraud]}\n"):
        path.write_text(f"{HEAD}preset: cn\nscam_lists: [listed.csv]\n{said}", encoding="utf-8")
        found.append(judge(Policy(load_snapshot(load_config(path))), "+447700900123").rule)
    assert found == ["scam_list.exact", "default.allow", "default.allow"]
