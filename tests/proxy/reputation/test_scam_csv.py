"""Every row of a scam list is read, or an error with line and column: none vanishes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.files.yaml_file import FileErrors
from proxy.process.reading import covering, covering_any
from proxy.reputation.scam_list import ScamList

Read = Callable[..., Any]
HEADER = "number,category,confidence,source,expires\n"
ROW = "+447700900765,bank,0.95,subscribers,\n"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Count the entries of a list, or say what is wrong with it."""

    def write_and_read(text: str | bytes, home: str | None = None) -> int | list[str]:
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            return len(ScamList.load([path], covering(home) if home else {}))
        except FileErrors as wrong:
            return str(wrong).replace(f"{path}:", "").splitlines()

    return write_and_read


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("+447700900766,bank,0.95,subscribers,,", "3:38: found 6 fields, expected 5, as the first line says"),
        ("+447700900766,bank,0.95,subscribers,2030-12-31,", "3:48: found 6 fields, expected 5, as the first line says"),
        ("+447700900766,bank, building society,0.95,x,", "3:45: found 6 fields, expected 5, as the first line says"),
        ("+447700900766,bank,,,,,", "3:23: found 7 fields, expected 5, as the first line says"),
        ("+447700900766,bank,0.95,subscribers", "3:25: found 4 fields, expected 5, as the first line says"),
        ("+447700900766", "3:1: found 1 field, expected 5, as the first line says"),
        ("   ", "3:1: found 1 field, expected 5, as the first line says"),
        (";;;;", "3:1: found 1 field, expected 5, as the first line says"),
        ('+447700900766,ba"nk,b"c,0.5,x,', "3:31: found 6 fields, expected 5, as the first line says"),
        ('"+447700900766","a, ""b"", c",0.5,x,,', "3:38: found 6 fields, expected 5, as the first line says"),
    ],
)
def test_a_row_with_too_many_or_too_few_fields_is_an_error(read: Read, row: str, said: str) -> None:
    assert read(HEADER + ROW + row + "\n" + ROW) == [said]


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("+4407700900765", "+447700900765"),
        ("+789161234567", "+79161234567"),
        ("+3606201234567", "+36201234567"),
        ("+5215512345678", "+525512345678"),
        ("+54351152345678", "+5493512345678"),
        ("+5435115*", "+549351*"),
        ("+49030*", "+4930*"),
    ],
)
def test_what_is_dialled_within_a_country_is_told_apart_from_the_number(read: Read, number: str, right: str) -> None:
    [error] = read(f"number\n{number}\n")
    assert error.startswith(f'2:1: found "{number}", expected "{right}": ')


@pytest.mark.parametrize(
    "number", ["+78121234567", "+78*", "+541123456789", "+390612345678", "+3906*", "+551134567890"]
)
def test_a_number_that_only_looks_so_is_read(read: Read, number: str) -> None:
    assert read(f"number\n{number}\n") == 1


def test_a_beginning_without_its_star_is_an_error(read: Read) -> None:
    assert read("number\n+442\n")[0].startswith('2:1: found "+442", expected an E.164 number')


def test_a_column_that_has_no_name_in_the_first_line_is_an_error(read: Read) -> None:
    assert read("number,\n+447700900765,\n")[0].startswith("1:8: found a column without a name")
    assert read("number,category\n+447700900765,bank,\n") == [
        "2:20: found 3 fields, expected 2, as the first line says"
    ]


def test_lines_with_nothing_in_them_are_no_rows(read: Read) -> None:
    assert read(HEADER + "\n" + ROW + "\n\r\n" + ROW + "\n") == 2
    assert read("number\n\n+447700900765\n\n") == 1
    assert read(HEADER) == 0
    assert read(HEADER.rstrip()) == 0


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_count_whatever_ends_them_and_behind_a_byte_order_mark(read: Read, end: str) -> None:
    rows = (HEADER + ROW * 3).replace("\n", end)
    assert read(rows) == read("\ufeff" + rows) == read(rows.removesuffix(end)) == 3
    assert read(rows + ROW.replace("\n", "," + end)) == ["5:38: found 6 fields, expected 5, as the first line says"]


def test_other_separators_and_encodings_are_named(read: Read) -> None:
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        said = [f"1:1: found fields separated by {name}, expected commas between them"]
        assert read((HEADER + ROW).replace(",", mark)) == said
        assert read(f'"Number"{mark}"category"\n') == said
    assert read((HEADER + ROW).encode("utf-16")) == ["1:1: found UTF-16, expected UTF-8 text"]


def test_text_that_spans_lines_or_holds_a_nul_is_an_error(read: Read) -> None:
    assert read(HEADER + '+447700900765,"ba\nnk",0.5,x,\n' + ROW) == [
        '2:15: found "ba nk", expected printable UTF-8 text'
    ]
    assert read(HEADER + "+447700900765,ba\0nk,0.5,x,\n") == ['2:15: found "ba\ufffdnk", expected printable UTF-8 text']
    assert read(HEADER + "\0" * 20 + "\n") == ["2:1: found 1 field, expected 5, as the first line says"]
    assert read(HEADER + '+447700900765,"bank,0.5,x,\n' + ROW)[0].endswith("expected CSV, where quotes go in pairs")


FIELDS = st.sampled_from(
    ["", "+447700900765", "+4477*", "bank", " ", "0.5", "2030-12-31", '"a, b"', '"', "\ufeff", ";"]
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists") / "list.csv"


@given(rows=st.lists(st.lists(FIELDS, min_size=1, max_size=4), max_size=6), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_row_is_read_or_told_of(path: Path, rows: list[list[str]], end: str) -> None:
    lines = [",".join(row) for row in rows]
    path.write_text("number,category" + end + "".join(line + end for line in lines), newline="")
    read, errors = 0, []
    try:
        read = len(ScamList.load([path]))
    except FileErrors as wrong:
        errors = list(wrong.errors)
    assert errors or read == sum(map(bool, lines))
    assert all(error.line > 1 and error.column > 0 for error in errors)


@pytest.mark.parametrize(
    ("home", "wide", "narrow"),
    [
        ("CN", ["+*", "+8*", "+86*"], ["+9*", "+852*", "+861*", "+81*"]),
        ("GB", ["+*", "+4*", "+44*"], ["+447*", "+49*", "+1*"]),
        ("US", ["+*", "+1*"], ["+1202*", "+44*"]),
        ("CA", ["+1*"], ["+1506*"]),
        ("JM", ["+1*", "+18*", "+1876*", "+1658*"], ["+1809*", "+18765*"]),
        ("GG", ["+4*", "+44*"], ["+441*"]),
        ("IM", ["+44*", "+441624*"], ["+441481*"]),
        ("KZ", ["+7*", "+77*"], ["+79*"]),
        ("RU", ["+7*"], ["+79*", "+77*"]),
        ("VA", ["+39*", "+3906698*"], ["+3902*"]),
    ],
)
def test_a_row_that_covers_all_of_home_or_the_world_is_refused(
    read: Read, home: str, wide: list[str], narrow: list[str]
) -> None:
    told = f"the home country {home} (safeguards: {{cover_home: on}} in the proxy's config allows it)"
    for pattern in wide:
        said = read(f"category,number\nx,{pattern}\n", home)
        assert said == [f'2:3: found "{pattern}", expected a prefix that does not cover {told}']
    assert read("number\n" + "\n".join(narrow), home) == len(narrow)
    assert read("number\n" + "\n".join(wide)) == len(wide)


def test_the_widest_entry_is_found_last(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("number\n+*\n+86*\n")
    scam_list = ScamList.load([path])
    found = [scam_list.find(number, 0.0) for number in ("+8613800138001", "+447700900765")]
    assert [entry and entry.pattern for entry in found] == ["+86*", "+*"]


def test_prefixes_that_cover_some_country_are_known() -> None:
    assert {"+*", "+8*", "+86*", "+232*", "+1*"} <= covering_any().keys()
    assert not {"+23224*", "+1876*", "+447*"} & covering_any().keys()


def test_what_a_list_holds_commands_no_terminal(read: Read) -> None:
    number, category = read(f"{HEADER}+44\x1b[31m,a\u202eb,,,\n")
    assert number.startswith('2:1: found "+44␛[31m", expected an E.164 number')
    assert category.endswith('found "a\ufffdb", expected printable UTF-8 text')
