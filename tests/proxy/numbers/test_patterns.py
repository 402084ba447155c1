"""Numbers and prefixes as people write them on lists, and what they stand for at home."""

from __future__ import annotations

import gc
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.numbers.numbering import Numbering
from proxy.numbers.patterns import ABROAD, compact, matching, read_pattern, read_patterns


@cache
def at(home: str) -> Numbering:
    return Numbering(home)


@pytest.mark.parametrize(
    ("home", "written", "pattern"),
    [
        ("GB", "07700900123", "+447700900123"),
        ("GB", "07700 900-123", "+447700900123"),
        ("GB", "0044 7700 900123", "+447700900123"),
        ("GB", "+44 (0)7700 900123", "+447700900123"),
        ("GB", "447700900123", "+447700900123"),
        ("GB", "(020) 7946 0101", "+442079460101"),
        ("GB", "\uff10\uff17\uff17\uff10\uff10 900123", "+447700900123"),
        ("GB", "07700\u00a0900\u2011123", "+447700900123"),
        ("GB", "7700900123", "+447700900123"),
        ("GB", "116123", "116123"),
        ("US", "(202) 555-0143", "+12025550143"),
        ("US", "1-202-555-0143", "+12025550143"),
        ("US", "011 44 20 7946 0101", "+442079460101"),
        ("CN", "010 6234 5678", "+861062345678"),
        ("CN", "13900139003", "+8613900139003"),
        ("CN", "10086", "10086"),
        ("CN", "+8610086", "10086"),
        ("CN", "95588", "95588"),
        ("IT", "06 698 12345", "+390669812345"),
        ("SG", "9123 4567", "+6591234567"),
        ("AU", "000", "000"),
    ],
)
def test_a_number_is_the_same_in_every_spelling(home: str, written: str, pattern: str) -> None:
    assert read_pattern(written, at(home)) == (pattern,)


@pytest.mark.parametrize(
    ("home", "written", "patterns"),
    [
        # the trunk prefix off, the country code on
        ("DE", "0160*", ["+49160*"]),
        ("GB", "09*", ["+449*"]),
        ("GB", "0*", ["+44*"]),
        ("CN", "010*", ["+8610*"]),
        ("CN", "0755*", ["+86755*"]),
        ("FR", "06*", ["+336*"]),
        ("AU", "04*", ["+614*"]),
        ("HU", "0620*", ["+3620*"]),
        ("HU", "0*", ["+36*"]),
        ("RU", "8800*", ["+7800*"]),
        ("US", "1900*", ["+1900*"]),
        # no trunk prefix, or one that goes without saying
        ("IT", "06*", ["+3906*"]),
        ("IT", "0*", ["+390*"]),
        ("IT", "339*", ["+39339*"]),
        ("SG", "6*", ["+656*"]),
        ("CN", "138*", ["+86138*"]),
        ("CN", "400*", ["+86400*"]),
        ("GB", "7700*", ["+447700*"]),
        ("DE", "160*", ["+49160*"]),
        # a carrier's code before it
        ("CN", "17911 010*", ["+8610*"]),
        # a prefix of former times
        ("MX", "01 55*", ["+5255*"]),
        # regions that share the country code
        ("US", "416*", ["416*", "+1416*"]),
        ("GB", "01534*", ["+441534*"]),
        ("IT", "06 698*", ["+3906698*"]),
        # every number abroad, and some of them
        ("GB", "00*", [ABROAD]),
        ("CN", "00*", [ABROAD]),
        ("US", "011*", [ABROAD]),
        ("US", "00*", [ABROAD]),
        ("JP", "010*", [ABROAD]),
        ("RU", "810*", [ABROAD]),
        ("SG", "001*", [ABROAD]),
        ("AU", "0011*", [ABROAD]),
        ("GB", "0033*", ["+33*"]),
        ("GB", "0044*", ["+44*"]),
        ("US", "01144*", ["+44*"]),
        ("US", "0044*", ["+44*"]),
        ("AU", "001144*", ["+44*"]),
        ("SG", "0065*", ["+65*"]),
        ("TW", "00886*", ["+886*"]),
        # both an international prefix with a carrier's code and a plain one
        ("SG", "00144*", ["+44*", "+144*"]),
        # international form, with and without a plus, and with a trunk prefix too many
        ("GB", "+44*", ["+44*"]),
        ("GB", "+44 (0)20*", ["+4420*"]),
        ("GB", "+440*", ["+44*"]),
        ("GB", "+1 1 306*", ["+1306*"]),
        ("CN", "+86010*", ["+8610*"]),
        ("GB", "00330 6*", ["+336*"]),
        ("GB", "+3906*", ["+3906*"]),
        ("GB", "447700*", ["+447700*"]),
        ("CN", "86138*", ["+86138*"]),
        ("DE", "49160*", ["+49160*"]),
        ("ZA", "2782*", ["+2782*"]),
        ("TW", "8862*", ["+8862*"]),
        ("IN", "9180*", ["+919180*"]),
        ("IT", "39347*", ["+3939347*"]),
        # a code in the middle of numbers, and one of former times behind the country code
        ("AR", "0351 15*", ["+549351*"]),
        ("AR", "011 15*", ["+541115*", "+54911*"]),
        ("GB", "+54 351 15*", ["+549351*"]),
        ("GB", "+52 1 55*", ["+5255*"]),
        ("GB", "353*", ["+353*"]),
        ("GB", "+999*", ["+999*"]),
        # short codes; where national numbers may begin so as well, both
        ("CN", "95*", ["95*", "+86950*"]),
        ("CN", "10*", ["10*"]),
        ("CN", "106*", ["106*"]),
        ("CN", "9*", ["9*", "+86950*"]),
        ("CN", "1*", ["1*", *(f"+861{digit}*" for digit in "3456789")]),
        ("AU", "1*", ["1*", "+6113*", "+6118*", "+6119*"]),
        ("BR", "11*", ["11*", "+5511*"]),
        ("US", "900*", ["900*", "+1900*"]),
        ("US", "911*", ["911*"]),
        ("IN", "140*", ["140*", "+91140*"]),
        ("GB", "118*", ["118*", "+44118*"]),
    ],
)
def test_a_prefix_stands_for_the_numbers_that_dialled_at_home_begin_so(
    home: str, written: str, patterns: list[str]
) -> None:
    assert list(read_pattern(written, at(home))) == patterns


@pytest.mark.parametrize(
    "written",
    [
        *(
            "*",
            "+*",
            "",
            "+",
            "-",
            "* *",
            "+19*00",
            "0160**",
            "*31*",
            "#31#07700900123",
            "1900%",
            "0800SCAM",
            "7700 x*",
        ),
        *("+0123*", "+0044*", "+044*", "000000*", "0000*", "+1234567890123456*", "1234567890123456*"),
        *("+44", "+441", "0770090012", "0770090012345", "07700", "+1234567890123456", "1" * 21, "٠٧٧٠٠x"),
    ],
)
def test_what_can_stand_for_nothing_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="a number"):
        read_pattern(written, at("GB"))


def test_a_refusal_says_what_was_expected_where() -> None:
    with pytest.raises(ValueError, match=r"or as dialled in GB: no number begins so$"):
        read_pattern("000000*", at("GB"))
    with pytest.raises(ValueError, match=r"or as dialled in CN: no number begins so$"):
        read_pattern("17951*", at("CN"))  # a carrier's code, behind which any number may stand
    with pytest.raises(ValueError, match=r"or as dialled in GB: no number is written so$"):
        read_pattern("0770090012", at("GB"))


@given(
    home=st.sampled_from(
        ["CN", "GB", "US", "IT", "DE", "SG", "AU", "IN", "TW", "JP", "KR", "RU", "BR", "HU", "FR", "MX"]
    ),
    written=st.from_regex(r"\+?[0-9]{1,16}\*?", fullmatch=True),
)
def test_what_a_pattern_stands_for_stands_for_itself(home: str, written: str) -> None:
    try:
        patterns = read_pattern(written, at(home))
    except ValueError:
        return
    assert patterns
    assert set(read_patterns(patterns, at(home))) == set(patterns)
    assert all(compact(one) == one for one in patterns)


@given(
    home=st.sampled_from(["CN", "GB", "US", "IT", "DE", "SG", "AU", "TW", "JP", "HU", "FR"]),
    digits=st.from_regex(r"[0-9]{7,13}", fullmatch=True),
    size=st.integers(4, 7),
)
def test_a_prefix_covers_whoever_dials_it(home: str, digits: str, size: int) -> None:
    """Of numbers with a trunk or an international prefix, which are read in one way only."""
    number = at(home).understand(digits)
    if digits[0] != "0" or number.e164 is None or number.kind in ("invalid", "unknown"):
        return
    patterns = read_pattern(f"{digits[:size]}*", at(home))
    abroad = ABROAD in patterns and not at(home).is_home_code(number.e164)
    assert abroad or any(number.e164.startswith(one[:-1]) for one in patterns)


def test_nothing_is_left_of_a_numbering_once_its_lists_were_read_anew() -> None:
    def kept() -> int:
        gc.collect()
        return sum(isinstance(each, Numbering) for each in gc.get_objects())

    before = kept()
    numbering = Numbering("GB")
    assert read_pattern("0160*", numbering)
    assert kept() > before
    del numbering
    assert kept() == before


def test_a_pattern_matches_a_whole_number_or_what_comes_before_its_star() -> None:
    patterns = ("+6591234567", "+1900*", "00*")
    assert matching(patterns, "+6591234567") == "+6591234567"
    assert matching(patterns, "+65912345678") is None
    assert matching(patterns, "+19005550123") == "+1900*"
    assert matching(patterns, "0016505550123") == "00*"
    assert matching((), "+1") is None
