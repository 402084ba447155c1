"""Rows read many at once are those that are read one by one, and so are their errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.files.yaml_file import FileErrors
from proxy.process.reading import covering
from proxy.reputation.scam_list import ScamList
from proxy.reputation.sorted_rows import ATTRIBUTES

LISTED = ["", "+", "*", "+*", "+44*", "+86*", "+4477*", "+447700900765", "447700900765", "+44 7700 900765"]
LISTED += ["+4407700900765", "+54351152345678", "+5435115*", "+5511961234567", "+123456789012345", "+1234567890123456"]
DIGITS = st.text("0123456789", min_size=1, max_size=17)
NUMBERS = DIGITS.map("+{}".format) | DIGITS.map("+{}*".format) | st.sampled_from([*LISTED, "+\u0663\u0664\u0665"])
NAMES = st.sampled_from(["", "bank", "a long name of a category", "x" * 33, "caf\u00e9", "\u00a0", "tab\t", "wangiri"])
CONFIDENCES = st.sampled_from(["", "0", "1", "0.5", ".25", "1.0", "1.0001", "0.12345", "-1", "2", "x"])
EXPIRIES = st.sampled_from(["", "2030-12-31", "1970-01-01", "1969-12-31", "2200-01-01", "soon", "20300101"])
FIELDS = {"number": NUMBERS, "category": NAMES, "confidence": CONFIDENCES, "source": NAMES, "expires": EXPIRIES}


@st.composite
def lists(draw: Any) -> list[str]:
    """Lines of a file, the first of them the names of its columns."""
    columns = draw(st.permutations(sorted(FIELDS)))[: draw(st.integers(1, 5))]
    columns = columns if "number" in columns else [*columns, "number"]
    rows = draw(st.lists(st.tuples(*(FIELDS[column] for column in columns)), max_size=12))
    quoted = draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    lines = [
        ",".join(f'"{field}"' if how and (how == 2 or index % 2) else field for index, field in enumerate(row))
        for row, how in zip(rows, quoted, strict=True)
    ]
    if draw(st.integers(0, 4)) == 0:
        lines.insert(
            draw(st.integers(0, len(lines))),
            draw(st.sampled_from(["", ",", '"+447700900765"', "\0", '"', '""', '"a,b"', '"a""b"', 'a"b"'])),
        )
    return [",".join(columns), *lines]


def read(path: Path, lines: list[str], end: str, last: str) -> Any:
    """Return what a list says of each of its patterns, or what is wrong with it."""
    path.write_bytes((end.join(lines) + last).encode())
    try:
        scam_list = ScamList.load([path], covering("GB"))
    except FileErrors as errors:
        return str(errors)
    names, rows = scam_list.names, scam_list.table["attributes"].reshape(-1, len(ATTRIBUTES)).tolist()
    found = [
        (key, names[category], confidence, names[source], expires)
        for key, (category, confidence, source, expires, _) in zip(scam_list.table["key"].tolist(), rows, strict=True)
    ]
    return found, scam_list.table["parent"].tolist(), scam_list.files


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists") / "list.csv"


@given(lines=lists(), ended=st.booleans())
def test_lines_are_read_the_same_whatever_ends_them(path: Path, lines: list[str], ended: bool) -> None:
    """Those that end in a carriage return are read one by one."""
    one_by_one = read(path, lines, "\r", "\r" if ended else "")
    assert read(path, lines, "\n", "\n" if ended else "") == one_by_one
    assert read(path, lines, "\r\n", "\r\n" if ended else "") == one_by_one


def test_errors_far_down_in_a_list_are_told_with_their_place(tmp_path: Path) -> None:
    rows = [f"+4477009{index:05},bank" for index in range(40_000)]
    rows[30_000], rows[39_999] = "+4407700900123,bank", "+447700900000,bank,"
    path = tmp_path / "list.csv"
    path.write_text("number,category\n" + "\n".join(rows) + "\n")
    with pytest.raises(FileErrors) as caught:
        ScamList.load([path])
    assert [(error.line, error.column) for error in caught.value.errors] == [(30_002, 1), (40_001, 20)]


def test_a_quote_that_is_never_closed_is_told_where_it_is(tmp_path: Path) -> None:
    rows = [f"+4477009{index:05},bank" for index in range(40_000)]
    path = tmp_path / "list.csv"
    path.write_text("number,category\n" + "\n".join([*rows[:9_000], '+447700900000,"bank', *rows[9_000:]]) + "\n")
    with pytest.raises(FileErrors, match="expected CSV, where quotes go in pairs") as caught:
        ScamList.load([path])
    assert [error.line for error in caught.value.errors] == [9_002]


def test_quoted_fields_in_some_rows_of_a_long_list_are_read(tmp_path: Path) -> None:
    rows = [f"+4477009{index:05},bank" for index in range(40_000)]
    rows[20_000] = '"+447700920000","bank, or ""so"""'
    path = tmp_path / "list.csv"
    path.write_text("number,category\n" + "\n".join(rows) + "\n")
    scam_list = ScamList.load([path])
    assert len(scam_list) == 40_000
    found = [scam_list.find(f"+4477009{index:05}", 0.0) for index in (19_999, 20_000, 39_999)]
    assert [entry and entry.category for entry in found] == ["bank", 'bank, or "so"', "bank"]


def test_more_texts_than_the_table_holds_are_read(tmp_path: Path) -> None:
    """Some five hundred of so many find both of their places taken."""
    path = tmp_path / "list.csv"
    path.write_text("number,source\n" + "".join(f"+4477009{index:05},from {index}\n" for index in range(20_000)))
    scam_list = ScamList.load([path])
    for index in range(0, 20_000, 7):
        entry = scam_list.find(f"+4477009{index:05}", 0.0)
        assert entry is not None
        assert entry.source == f"from {index}"


def test_lines_that_end_in_a_carriage_return_among_others_count_for_the_place_of_an_error(tmp_path: Path) -> None:
    rows = [f"+4477009{index:05},bank" for index in range(40_000)]
    rows[1_000] += "\r" + rows.pop()
    rows[30_000] = "+4407700900123,bank"
    path = tmp_path / "list.csv"
    path.write_bytes(("number,category\n" + "\n".join(rows) + "\n").encode())
    with pytest.raises(FileErrors) as caught:
        ScamList.load([path])
    assert [(error.line, error.column) for error in caught.value.errors] == [(30_003, 1)]
