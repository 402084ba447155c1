"""Scam lists: the entry that counts for a number, and every wrong field with its place."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.files.yaml_file import FileErrors
from proxy.reputation.scam_list import ScamEntry, ScamList

HEADER = "number,category,confidence,source,expires\n"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
Load = Callable[..., ScamList]
ErrorsOf = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def write_and_load(*texts: str | bytes) -> ScamList:
        paths = [tmp_path / f"list{index}.csv" for index in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return ScamList.load(paths)

    return write_and_load


@pytest.fixture
def errors_of(load: Load, tmp_path: Path) -> ErrorsOf:
    def load_and_fail(*texts: str | bytes) -> list[str]:
        with pytest.raises(FileErrors) as caught:
            load(*texts)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return load_and_fail


def found(scam_list: ScamList, number: str, at: float = NOON) -> ScamEntry:
    """The entry that counts, where there is one."""
    entry = scam_list.find(number, at)
    assert entry is not None
    return entry


def test_an_entry_says_all_that_its_row_says(load: Load) -> None:
    scam_list = load(HEADER + "+23224999001,wangiri,0.9375,regulator,2026-12-31\n")
    assert scam_list.find("+23224999001", NOON) == ScamEntry(
        "+23224999001", "wangiri", 0.9375, "regulator", date(2026, 12, 31)
    )
    assert scam_list.find("+23224999002", NOON) is None
    assert len(scam_list) == 1


def test_columns_left_out_or_empty_have_defaults_and_their_order_does_not_matter(load: Load) -> None:
    scam_list = load("category,number\nwangiri,+23224999001\n", HEADER + "+881612345678,,,,\n")
    assert scam_list.find("+23224999001", NOON) == ScamEntry("+23224999001", "wangiri", 1.0, "list0", None)
    assert scam_list.find("+881612345678", NOON) == ScamEntry("+881612345678", "", 1.0, "list1", None)


def test_a_number_beats_a_prefix_and_a_longer_prefix_beats_a_shorter_one(load: Load) -> None:
    scam_list = load("number\n+232*\n+23224*\n+23224999001\n+2322*\n")
    patterns = [
        found(scam_list, number).pattern for number in ("+23224999001", "+23224999002", "+23225000001", "+23276000001")
    ]
    assert patterns == ["+23224999001", "+23224*", "+2322*", "+232*"]
    assert scam_list.find("+23324999001", NOON) is None


def test_a_listed_number_says_nothing_of_longer_or_shorter_ones(load: Load) -> None:
    scam_list = load("number\n+2322400\n+232240*\n")
    assert found(scam_list, "+23224000").pattern == "+232240*"
    assert found(scam_list, "+232240").pattern == "+232240*"
    assert scam_list.find("+23224", NOON) is None


@pytest.mark.parametrize(
    ("at", "pattern"),
    [("2026-03-31T23:59:59", "+23224999001"), ("2026-04-01T00:00:00", "+23224*"), ("2027-01-01T00:00:00", "+232*")],
)
def test_an_expired_entry_is_passed_over_for_the_next_wider_one(load: Load, at: str, pattern: str) -> None:
    scam_list = load("number,expires\n+23224999001,2026-03-31\n+23224*,2026-12-31\n+232*,\n")
    assert found(scam_list, "+23224999001", datetime.fromisoformat(f"{at}Z").timestamp()).pattern == pattern


def test_of_one_number_in_several_lists_the_surest_entry_that_holds_counts(load: Load) -> None:
    scam_list = load(
        HEADER + "+23224999001,a,0.5,x,\n+23224999001,b,0.9,x,2026-03-31\n+2322*,p,0.2,x,\n",
        HEADER + "+23224999001,c,0.7,y,\n+2322*,q,0.4,y,2026-03-31\n",
    )
    spring = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
    assert [found(scam_list, "+23224999001", at).category for at in (spring, NOON)] == ["b", "c"]
    assert [found(scam_list, "+2322", at).category for at in (spring, NOON)] == ["q", "p"]


def test_what_is_longer_than_any_number_is_on_no_list(load: Load) -> None:
    scam_list = load("number\n+1*\n")
    assert scam_list.find("+123456789012345", NOON) is not None
    assert scam_list.find("+1234567890123456", NOON) is None
    assert ScamList().find("+12025550101", NOON) is None


def test_every_wrong_field_of_every_list_is_told_with_its_place(errors_of: ErrorsOf) -> None:
    number = 'an E.164 number such as "+23224999001" or a prefix that ends in *, such as "+23224*"'
    assert errors_of(
        HEADER
        + "23224999001,wangiri,0.9,x,\n"
        + '"+23224*","a, b",1.5,x,31.12.2026\n'
        + "+23224999001,wangiri\n"
        + "\n"
        + "+23224999001,wangiri,0.9,x,,,\n"
        + '+23224999001,"two\nlines",0.9,x,\n'
        + "+23*24,wangiri,0.98765,x,1969-12-31\n",
        "number,categori\n+2,x\n",
        "",
        b"number,category\n+23224999001,caf\xe9\n",
        'number\n+23224999001\n"+2\n',
    ) == [
        f'list0.csv:2:1: found "23224999001", expected {number}',
        'list0.csv:3:18: found "1.5", expected a confidence from 0 to 1 with at most four decimals',
        'list0.csv:3:24: found "31.12.2026", expected a date such as "2030-12-31", or nothing',
        "list0.csv:4:14: found 2 fields, expected 5, as the first line says",
        "list0.csv:6:29: found 7 fields, expected 5, as the first line says",
        'list0.csv:7:14: found "two lines", expected printable UTF-8 text',
        f'list0.csv:9:1: found "+23*24", expected {number}',
        'list0.csv:9:16: found "0.98765", expected a confidence from 0 to 1 with at most four decimals',
        'list0.csv:9:26: found "1969-12-31", expected a date such as "2030-12-31", or nothing',
        'list1.csv:1:8: found unknown column "categori", expected "category"',
        'list2.csv:1:1: found "", expected the columns number,category,confidence,source,expires',
        'list3.csv:2:14: found "caf�", expected printable UTF-8 text',
        "list4.csv:3:1: found unexpected end of data, expected CSV, where quotes go in pairs",
    ]


def test_a_number_with_the_prefix_that_is_dialled_within_its_country_is_refused(errors_of: ErrorsOf) -> None:
    """No caller would ever be found under it. Where the zero is part of the number, as in Italy, it stays."""
    rows = ["+4407700900123", "+440*", "+86010*", "+390669812345", "+3906*", "+10000000000", "+442079460101"]
    said = ": the prefix that is dialled within the country is no part of an E.164 number"
    assert errors_of("\n".join(["number", *rows])) == [
        f'list0.csv:2:1: found "+4407700900123", expected "+447700900123"{said}',
        f'list0.csv:3:1: found "+440*", expected "+44*"{said}',
        f'list0.csv:4:1: found "+86010*", expected "+8610*"{said}',
    ]


def test_only_the_first_errors_are_listed_and_the_others_counted(errors_of: ErrorsOf) -> None:
    lines = errors_of("number\n" + "1\n" * 60)
    assert len(lines) == 51
    assert lines[-1] == "... and 10 more"


def test_a_list_that_is_gone_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileErrors, match=r"gone.csv: no such file or directory$"):
        ScamList.load([tmp_path / "gone.csv"])


def test_an_entry_takes_at_most_24_bytes() -> None:
    numbers = np.random.default_rng(1).integers(10**10, 10**13, 200_000, dtype=np.uint64)
    tracemalloc.start()
    scam_list = ScamList.of_columns(numbers, np.arange(200_000) < 2_000, 0, 9_000, 1, 20_000, ("wangiri", "regulator"))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / len(scam_list) <= 24


DIGITS = st.text("0123", min_size=0, max_size=4).map("1".__add__)
ROWS = st.tuples(DIGITS, st.booleans(), st.integers(0, 9), st.sampled_from([0, 20_000, 20_010]))


@given(rows=st.lists(ROWS, max_size=30), digits=DIGITS, today=st.sampled_from([20_000, 20_005, 20_011]))
def test_bisecting_finds_what_trying_every_entry_finds(rows: list[Any], digits: str, today: int) -> None:
    numbers, prefixes, confidences, expiries = zip(*rows, strict=True) if rows else ((), (), (), ())
    scam_list = ScamList.of_columns([int(number) for number in numbers], prefixes, 0, confidences, 0, expiries)
    fits = [
        (not prefix, len(number), confidence, number)
        for number, prefix, confidence, expires in rows
        if (digits.startswith(number) if prefix else digits == number) and not 0 < expires < today
    ]
    entry = scam_list.find(f"+{digits}", today * 86_400.0)
    found = entry and (not entry.pattern.endswith("*"), round(entry.confidence * 10_000), entry.pattern.strip("+*"))
    exact, _, confidence, number = max(fits, default=(False, 0, 0, ""))
    assert found == ((exact, confidence, number) if fits else None)


def test_in_a_large_list_a_look_up_finds_what_trying_every_pattern_finds() -> None:
    """Most of it in few countries, with prefixes within prefixes, entries that come twice, and some that expired."""
    chance, today = random.Random(3), 20_005
    rows: list[tuple[str, bool, int, int]] = []
    for _ in range(6_000):
        number = f"{chance.choice((1202555, 4477, 232, 86139, chance.randrange(1, 1000)))}"
        more = chance.randrange(8)
        number += "".join(chance.choices("0123456789", k=more))
        prefix = more > 1 and chance.random() < 0.05
        rows += [(number, prefix, chance.randrange(10_001), chance.choice((0, 0, 20_000, 20_010)))] * chance.choice(
            (1, 1, 1, 2)
        )
    numbers, prefixes, confidences, expiries = zip(*rows, strict=True)
    scam_list = ScamList.of_columns([int(number) for number in numbers], prefixes, 0, confidences, 0, expiries)
    surest: dict[str, int] = {}
    for number, prefix, confidence, expires in rows:
        if not 0 < expires < today:
            pattern = f"+{number}{'*' * prefix}"
            surest[pattern] = max(surest.get(pattern, 0), confidence)
    asked = [f"+{number}{more}" for number in numbers for more in ("", chance.randrange(10), chance.randrange(10**4))]
    asked += [number[:-1] for number in asked if len(number) > 2]
    asked = [number for number in asked if len(number) <= len("+") + 15]
    hits = 0
    for number in asked:
        tried = (number, *(f"{number[:length]}*" for length in range(len(number), 1, -1)))
        expected = next((pattern for pattern in tried if pattern in surest), None)
        entry = scam_list.find(number, today * 86_400.0)
        assert (entry and (entry.pattern, round(entry.confidence * 10_000))) == (
            expected and (expected, surest[expected])
        )
        hits += entry is not None
    assert 0.2 < hits / len(asked) < 0.8
