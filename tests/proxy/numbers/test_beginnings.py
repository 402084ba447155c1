"""Digits that a number of a plan may begin with."""

from __future__ import annotations

import re
from itertools import product

import pytest

from proxy.numbers.beginnings import begins

LONGEST = 5  # digits of the numbers that are tried
DIGITS = "012"


@pytest.mark.parametrize(
    "pattern",
    ["1", "12?0", "[12]{2}0", "1\\d{1,3}", "1{2,}", "(?:10|2){2,}", "0{,2}1", "1(?:0|2\\d)|2", "(?!)|11", "2[01]{1,}2"],
)
def test_digits_begin_a_number_where_some_number_begins_so(pattern: str) -> None:
    texts = ["".join(digits) for length in range(LONGEST + 1) for digits in product(DIGITS, repeat=length)]
    numbers = list(filter(re.compile(pattern).fullmatch, texts))
    beginnings = {number[:length] for number in numbers for length in range(len(number) + 1)}

    short = [text for text in texts if len(text) < LONGEST - 1]
    assert [text for text in short if begins(pattern, text)] == [text for text in short if text in beginnings]


@pytest.mark.parametrize("pattern", ["1+", "1.", "[^1]", "1*"])
def test_another_dialect_of_patterns_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="a pattern of digits, not"):
        begins(pattern, "1")
