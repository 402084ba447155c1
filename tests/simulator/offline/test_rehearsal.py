"""Shipped lessons, played by the policy of their stage: every check of theirs is held to the real decision."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.offline.rehearsal import Rehearsal, mistakes
from simulator.scenario.lesson import Deed, load_lesson
from tests.plays import ROOT

FOLDER = ROOT / "scenarios" / "lessons"
SHIPPED = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
BEGIN = datetime(2026, 6, 1, tzinfo=UTC).timestamp()


def deed(**said: object) -> Deed:
    return Deed.model_validate(said)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_a_shipped_lesson_expects_is_what_the_policy_does(name: str) -> None:
    lesson = load_lesson(SHIPPED[name])
    played = dict(Rehearsal(lesson, BEGIN).play())
    assert played
    assert {number: found for number, found in played.items() if found} == {}
    assert mistakes(lesson, SHIPPED[name]) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_lesson_is_a_good_one(name: str) -> None:
    """Short things to say, one verdict a step, and both kinds of outcome or of calls."""
    lesson = load_lesson(SHIPPED[name])
    assert SHIPPED[name].read_text(encoding="utf-8").startswith("# ")
    assert len(lesson.steps) >= 5
    for step in lesson.steps:
        for words in (step.say, step.then):
            if words is not None:
                assert all(len(sentence.split()) <= 25 for sentence in words.en.split(". ")), words.en
                assert any("\u4e00" <= character <= "\u9fff" for character in words.zh)
                assert not any("\u4e00" <= character <= "\u9fff" for character in words.en), words.en
    phones = {step.see.phone for step in lesson.steps if step.see is not None}
    assert {"rings", "silent"} <= phones or name.startswith(("05", "08"))


def test_there_are_at_least_five_lessons_each_with_a_name_of_its_own() -> None:
    names = {load_lesson(path).name for path in SHIPPED.values()}
    assert len(names) == len(SHIPPED) >= 5


def rehearsal() -> Rehearsal:
    return Rehearsal(load_lesson(SHIPPED["01-barring-overseas-calls"]), BEGIN)


def call(caller: str, callee: str = "alice", trunk: str = "international", **more: object) -> Deed:
    return deed(call={"from": caller, "to": callee, "trunk": trunk, "truth": "scam", **more})


def test_what_is_done_holds_for_the_next_deed() -> None:
    stage = rehearsal()
    assert stage.do(call("+61491570156")).phone == "rings"
    assert stage.do(deed(set={"subscriber": "alice", "settings": {"incoming_international": "on"}})).settings["notify"]
    refused = stage.do(call("+61491570156"))
    assert (refused.action, refused.status, refused.phone) == ("reject", 603, "silent")
    assert stage.do(deed(allow={"subscriber": "alice"})).allow == ("+61491570156",)
    allowed = stage.do(call("+61491570156"))
    assert (allowed.rule, allowed.label) == ("subscriber.allow", "境外来电：澳大利亚")


def test_nobody_is_allowed_who_was_not_refused() -> None:
    stage = rehearsal()
    assert stage.do(call("+61491570156")).action == "label"
    assert stage.do(deed(allow={"subscriber": "alice"})).allow == ()


def test_a_rule_in_shadow_stops_nothing_until_it_is_enforced_again() -> None:
    stage = rehearsal()
    spoofed = call("+861055550123")
    assert stage.do(spoofed).rule == "spoofed.home_number"
    assert stage.do(deed(rule={"name": "spoofed.home_number", "mode": "shadow"})).mode == "shadow"
    assert stage.do(spoofed).phone == "rings"
    stage.do(deed(rule={"name": "spoofed.home_number", "mode": "enforce"}))
    assert stage.do(spoofed).phone == "silent"


def test_settings_survive_a_change_of_rules_and_a_forwarded_call_comes_home() -> None:
    stage = rehearsal()
    stage.do(deed(set={"subscriber": "alice", "settings": {"incoming_international": "on"}}))
    stage.do(deed(rule={"name": "scam_list.exact", "mode": "off"}))
    assert stage.do(call("+12025550143")).rule == "barring.incoming_international"
    assert stage.do(call("+8613900139008", diversion="carol")).phone == "rings"
    assert stage.do(call("+8613900139008")).rule == "spoofed.home_number"


def test_a_text_and_a_star_code_are_orders_and_are_answered() -> None:
    stage = rehearsal()
    text = {"from": "alice", "to": "10086", "trunk": "phones", "body": "QXGJLH", "truth": "legit"}
    ordered = stage.do(deed(text=text))
    assert ordered.settings["incoming_international"]
    assert ordered.replies[0].startswith("办理成功")
    assert not stage.do(call("bob", "*354*0000#", "phones")).settings["incoming_international"]
    assert stage.do(call("bob", "*354*1357#", "phones")).settings["incoming_international"]
    given_up = stage.do(call("+8613900139004", trunk="domestic", ring="1s"))
    assert (given_up.phone, given_up.status) == ("rings", 487)


def test_a_mistake_is_told_with_its_place_and_what_the_policy_does(tmp_path: Path) -> None:
    path = tmp_path / "lessons" / "one.yaml"
    path.parent.mkdir()
    text = SHIPPED["03-one-ring"].read_text(encoding="utf-8")
    text = text.replace("../../simulator/stage/default.yaml", str(ROOT / "simulator" / "stage" / "default.yaml"))
    path.write_text(text.replace("scam_list.prefix", "scam_list.exact", 1), encoding="utf-8")
    (wrong,) = mistakes(load_lesson(path), path)
    line = next(number for number, line in enumerate(path.read_text().splitlines(), 1) if "scam_list.exact" in line)
    assert str(wrong).startswith(f"{path}:{line}:")
    assert str(wrong).endswith('found "scam_list.exact", expected scam_list.prefix, as the policy decides')
