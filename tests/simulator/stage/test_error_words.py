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
