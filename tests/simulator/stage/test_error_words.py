"""Errors of the stage are said in words of both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.stage.error_words import error_words, known

ROOT = Path(__file__).parents[3] / "simulator" / "stage"
_RAISED = re.compile(
    r"(?:Unable|Unplaceable|Unchangeable|NoTraffic|WrongApps|NoLesson|NoRun|HTTPException|Refused)\("
    r"\s*(?:\d{3},\s*)?f?\"((?:[^\"]|\\\")*)\""
)


def raised() -> Iterator[str]:
    """All errors that the sources of the stage raise, with something in the place of what they quote."""
    for path in sorted(ROOT.rglob("*.py")):
        for found in _RAISED.finditer(path.read_text(encoding="utf-8")):
            quoted = re.sub(r"\{[^{}]*!r\}", "'x'", found[1])
            if re.search(r"[a-z]{3}", re.sub(r"\{[^{}]*\}", "", quoted)):
                yield re.sub(
                    r"\{[^{}]*(?:MOST|LONG|LARG|FAST)[^{}]*\}", "9", re.sub(r"\{[^{}]*join[^{}]*\}", "x, y", quoted)
                )


@pytest.mark.parametrize("error", sorted({re.sub(r"\{[^{}]*\}", "x", each) for each in raised()}))
def test_every_error_of_the_stage_has_words(error: str) -> None:
    words = known(error)

    assert words is not None
    assert not words["zh"].isascii()


@pytest.mark.parametrize(
    ("error", "en", "zh"),
    [
        ("found no from", "Say which number calls", "请填写主叫号码"),
        ("from: expected a number; from: expected a subscriber", "Say which number calls", "请填写主叫号码"),
        ("to: expected a number; ring: expected a duration", "Say whom to call", "请选择被叫用户"),
        ("there is a call already", "there is a call already", "已有通话。"),
        ("the moon: {is} round", "the moon: {is} round", "没有成功：the moon: {is} round"),
    ],
)
def test_an_error_is_said_once_and_one_without_words_as_it_is(error: str, en: str, zh: str) -> None:
    words = error_words(error)

    assert words["en"].startswith(en)
    assert words["zh"].startswith(zh)
    assert words["en"].count(en) == 1


@pytest.mark.parametrize(
    "name", ["o'brien", "it's", "a; b", "don't; 'so'", 'say "hi"', 'l\'\n"x"; y', "\\'", "", "x' y"]
)
@pytest.mark.parametrize("what", ["family", "subscriber", "scenario", "lesson"])
def test_whatever_is_quoted_an_error_has_its_own_words(what: str, name: str) -> None:
    words = error_words(f"found no {what} {name!r}, expected one of wangiri, self-service")

    assert words["zh"].startswith("没有")
    assert not words["zh"].startswith("没有成功")
    assert repr(name) in words["zh"]


def test_several_errors_of_which_one_quotes_a_semicolon_are_all_said() -> None:
    words = error_words(
        'found no from; found no subscriber "o\'neill; jr", expected one of alice; there is a call already'
    )

    assert (
        words["zh"] == '请填写主叫号码，例如 +12025550143；anonymous 表示隐藏号码。没有用户 "o\'neill; jr"。已有通话。'
    )


@pytest.mark.parametrize("rule", ["barring.x", "a b", "a; b", "it's"])
def test_a_rule_of_any_name_that_cannot_be_turned_off_is_named(rule: str) -> None:
    assert error_words(f"{rule}: expected a rule that can be turned off")["zh"] == f"规则 {rule} 不能关闭。"


def test_a_call_that_a_run_has_not_is_not_found() -> None:
    assert error_words('runs/x/calls.jsonl: found no call "it\'s", expected "a"')["zh"] == "没有找到。"
