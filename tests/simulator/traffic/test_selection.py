"""`-k`: names with and, or, not and brackets."""

from __future__ import annotations

import pytest

from simulator.traffic.selection import compile_expression

NAMES = ["wangiri-beside-family/wangiri", "wangiri-beside-family/daughter", "emergency/Dial-112"]


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ("wangiri", [0, 1]),
        ("WANGIRI and not daughter", [0]),
        ("not wangiri", [2]),
        ("daughter or dial-112", [1, 2]),
        ("wangiri and (daughter or dial)", [1]),
        ("not (daughter or dial)", [0]),
        ("not not emergency", [2]),
        ("daughter or wangiri and dial", [1]),
        ("nobody", []),
    ],
)
def test_an_expression_selects_names(expression: str, selected: list[int]) -> None:
    matches = compile_expression(expression)
    assert [number for number, name in enumerate(NAMES) if matches(name)] == selected


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("", "empty"),
        ("and", "expected a name, found and"),
        ("wangiri and", "found the end"),
        ("(wangiri", "not closed"),
        ("wangiri daughter", "unexpected 'daughter'"),
        ("wangiri)", "unexpected"),
    ],
)
def test_a_bad_expression_says_what_is_wrong(expression: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        compile_expression(expression)
