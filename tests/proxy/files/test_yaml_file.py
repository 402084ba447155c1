"""YAML files: values as they are written, and every error with its line and column."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from proxy.files.yaml_file import FileContext, FileErrors, Problem, Problems, load, top_keys
from proxy.policy.profile_fields import SubscriberInFile

QUOTES = "YAML, with a text in quotes where it is not plain"


def _increasing(values: tuple[int, ...]) -> tuple[int, ...]:
    if wrong := [i for i in range(1, len(values)) if values[i] <= values[i - 1]]:
        raise Problems(Problem((i,), f"more than {values[i - 1]}") for i in wrong)
    return values


class Sample(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    colour: Literal["red", "green"] = "red"
    share: float = Field(default=0.5, ge=0, le=1)
    steps: Annotated[tuple[int, ...], AfterValidator(_increasing)] = ()
    note: str | None = None
    people: dict[str, SubscriberInFile] = {}


def errors_of(tmp_path: Path, text: str | bytes, model: type[Any] = Sample) -> list[str]:
    """The errors of a file of this content, without the folder it lies in."""
    path = tmp_path / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FileErrors) as caught:
        load(path, model)
    return str(caught.value).replace(f"{path}:", "").splitlines()


def read(tmp_path: Path, text: str) -> Sample:
    path = tmp_path / "file.yaml"
    path.write_text(text)
    return load(path, Sample)


@pytest.mark.parametrize(
    "text", ["+8613800138001", "0447700900123", "12:30", "NO", "1e3", "0x10", "2026-01-01", "true"]
)
def test_what_other_loaders_turn_into_numbers_and_dates_stays_text(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"name: {text}\n").name == text


def test_nothing_and_null_are_none_but_quoted_they_are_text(tmp_path: Path) -> None:
    assert read(tmp_path, 'name: ""\nnote:\n') == Sample(name="", note=None)
    assert read(tmp_path, 'name: "null"\nnote: null\n') == Sample(name="null", note=None)


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffname: x\n").name == "x"


def test_every_error_of_a_file_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    text = """\
name: [a, b]
colour: blue
shares: 0.5
share: 1.5
steps: [1, 2, 2, 1, x]
people:
  alice: {number: "+8613800138001", barring: {incoming_internationl: on}, roaming: maybe}
  bob:
    number: 13800138002
    number: "+8613800138002"
  carol: {user: carol}
  dave: none
"""
    number = 'an E.164 number: "+", the country code, digits only, such as "+8613800138001"'
    assert errors_of(tmp_path, text) == [
        "1:7: found a list, expected text",
        '2:9: found "blue", expected "red" or "green"',
        '3:1: found unknown key "shares", expected "share"',
        '4:8: found "1.5", expected at most 1',
        '5:21: found "x", expected a whole number',
        '7:47: found unknown key "incoming_internationl", expected "incoming_international"',
        '7:84: found "maybe", expected on or off',
        f'9:13: found "13800138002", expected {number}',
        '10:5: found a second key "number", expected each key once',
        '11:10: found no "number", expected the required key "number"',
        '12:9: found "none", expected a mapping (key: value)',
    ]


def test_one_validator_can_point_at_several_places(tmp_path: Path) -> None:
    assert errors_of(tmp_path, "name: x\nsteps: [3, 2, 1]\n") == [
        '2:12: found "2", expected more than 3',
        '2:15: found "1", expected more than 2',
    ]


def test_an_unknown_key_that_resembles_nothing_names_all_keys(tmp_path: Path) -> None:
    assert errors_of(tmp_path, "name: x\nqqqq: 1\n") == [
        '2:1: found unknown key "qqqq", expected one of "colour", "name", "note", "people", "share", "steps"'
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "1:1: found an empty file, expected a mapping (key: value)"),
        ("# only a comment\n", "1:1: found an empty file, expected a mapping (key: value)"),
        ("- x\n", "1:1: found a list, expected a mapping (key: value)"),
        ("name:\n\t- x\n", "2:1: found a tab, expected spaces"),
        ("name: [x, y\nb: z\n", """2:2: found ": z", expected ',' or ']'"""),
        (
            "name: a: b\n",
            f'1:8: found ": b" (mapping values are not allowed in this context), expected {QUOTES}',
        ),
        ("\nname: 'x\n", f'2:7: found "\'x" (a quote without its end), expected {QUOTES}'),
        ("name: x\n---\nname: y\n", "2:1: found a second document, expected one document a file"),
        (b"name: x\nnote: caf\xe9\n", "2:10: found byte 0xe9, expected UTF-8 text"),
        ("name: x\nnote: a\x00b\n", "2:8: found control character U+0000, expected printable text"),
        ("name: *x\n", "1:7: found *x, expected an anchor &x that ends before it"),
        ("name: x\nsteps: &a [*a]\n", "2:12: found *a, expected an anchor &a that ends before it"),
        ("[" * 200_000, "1:101: found more than 100 levels of nesting, expected a flatter file"),
        ("- " * 50_000, "1:201: found more than 100 levels of nesting, expected a flatter file"),
    ],
)
def test_a_file_that_is_no_yaml_says_where_and_what_to_write(tmp_path: Path, text: str | bytes, error: str) -> None:
    assert errors_of(tmp_path, text) == [error]


def test_a_missing_file_is_an_error_like_any_other(tmp_path: Path) -> None:
    with pytest.raises(FileErrors) as caught:
        load(tmp_path / "absent.yaml", Sample)
    assert str(caught.value) == f"{tmp_path / 'absent.yaml'}: no such file or directory"


def test_aliases_repeat_a_value(tmp_path: Path) -> None:
    sample = read(tmp_path, 'name: x\npeople: {a: &a {number: "+12025550101"}, b: *a}\n')
    assert sample.people["a"] == sample.people["b"]


def test_aliases_of_aliases_cannot_fill_the_memory(tmp_path: Path) -> None:
    levels = [
        f"{below}: &{below} [{', '.join(['*' + above] * 10)}]"
        for above, below in zip("abcdefg", "bcdefgh", strict=True)
    ]
    text = "\n".join(["name: x", "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", *levels])
    assert errors_of(tmp_path, text) == [
        "6:36: found aliases that stand for over 100,000 values, expected fewer of them"
    ]


def test_only_the_first_errors_of_a_hopeless_file_are_listed(tmp_path: Path) -> None:
    lines = errors_of(tmp_path, "name: x\n" + "".join(f"k{i}: 1\n" for i in range(80)))
    assert len(lines) == 51
    assert lines[-1] == "... and 30 more"


@pytest.mark.parametrize(
    ("text", "keys"), [("a: 1\nb: [2]\n", {"a", "b"}), ("- a\n", set()), ("a: 'b\n", set()), ("[" * 200_000, set())]
)
def test_the_kind_of_a_file_is_told_by_its_top_keys(tmp_path: Path, text: str, keys: set[str]) -> None:
    (tmp_path / "file.yaml").write_text(text)
    assert top_keys(tmp_path / "file.yaml") == keys


def test_validators_can_ask_where_the_file_lies(tmp_path: Path) -> None:
    context = FileContext(tmp_path / "sub" / "file.yaml")
    assert context.beside("lists/a.csv") == tmp_path / "sub" / "lists" / "a.csv"


@given(text=st.text(max_size=60))
def test_any_text_either_loads_or_names_its_errors(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(FileErrors):
        load(path, Sample)
        return
    with pytest.raises(FileErrors) as caught:
        load(path, Sample)
    assert all(error.line >= 1 and error.column >= 1 and error.expected for error in caught.value.errors)
