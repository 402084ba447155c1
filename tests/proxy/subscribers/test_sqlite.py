"""Rows that leave the database as lines of text are the subscribers that validation makes of them, or its errors."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.files.yaml_file import FileError, FileErrors
from proxy.numbers.numbering import Numbering
from proxy.policy.profile import Subscriber
from proxy.presets import preset
from proxy.subscribers import sqlite
from proxy.subscribers.sqlite import read_database, save_subscribers

NUMBERING: Numbering = preset.numbering("GB", preset.load("gb"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(["", "a\0b", "a\x1fb", "a\nb"])
LISTS = st.sampled_from(["", " ", "+447700900123", "07700900123 00*", "+44*  +1900*", "118*", "000000*", "x", "+44 20"])
SWITCHES = st.sampled_from([0, 1, 0, 1, 0, 1, 7, "on", "no", "", 1.0, 0.5])
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "number": st.text("0123456789", min_size=7, max_size=9).map("+44{}".format)
    | st.sampled_from(["+", "447700900123", "+4", "+447*"]),
    "user": st.none() | TEXTS,
    "password": TEXTS,
    "pin": st.none() | st.sampled_from(["", "1234", "12345678", "123", "\u0661\u0662\u0663\u0664", "?"]),
    "treatment": st.sampled_from(["", "{}", '{"scam_list.exact": {"warn": "on"}}', "{", '{"x": 1}', "[]"]),
    "allow": LISTS,
    "block": LISTS,
    **dict.fromkeys(sqlite._SWITCHES, SWITCHES),
}
ROWS = st.lists(
    st.fixed_dictionaries({}, optional=COLUMNS).map(lambda row: {"number": "+447700900999"} | row),
    max_size=4,
    unique_by=(lambda row: row["number"], lambda row: row["number"] if row.get("user") is None else row["user"]),
)


def insert(path: Path, schema: str, rows: list[dict[str, Any]]) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous=off")
        database.execute(schema)
        for row in rows:
            marks = ", ".join("?" * len(row))
            database.execute(f"INSERT INTO subscribers ({', '.join(row)}) VALUES ({marks})", list(row.values()))  # noqa: S608


def validated(path: Path) -> list[Subscriber] | list[FileError]:
    errors: list[FileError] = []
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(f"SELECT rowid, {', '.join(sqlite._COLUMNS)} FROM subscribers ORDER BY rowid")  # noqa: S608
        people = list(sqlite._valid(path, rows, NUMBERING, errors))
    return sorted(errors) or people


def read(path: Path) -> list[Subscriber] | list[FileError]:
    try:
        return list(read_database(path, NUMBERING))
    except FileErrors as wrong:
        return list(wrong.errors)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a database, made anew for each example."""
    return tmp_path_factory.mktemp("people") / "x.db"


@given(rows=ROWS)
def test_each_row_is_read_as_if_it_were_validated(database: Path, rows: list[dict[str, Any]]) -> None:
    database.unlink(missing_ok=True)
    insert(database, sqlite._SCHEMA, rows)
    assert read(database) == validated(database)


def test_rows_of_a_table_that_allows_nothing_to_stand_for_nothing_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    row = {"number": "+447700900123"} | dict.fromkeys(sqlite._SWITCHES, 0)
    insert(path, f"CREATE TABLE subscribers ({', '.join(sqlite._COLUMNS)})", [row])
    assert read(path) == validated(path) == [Subscriber("+447700900123")]


def test_users_who_share_a_hash_are_told_apart(tmp_path: Path) -> None:
    """Both have the same CRC-32; it says no more than that they may be the same."""
    people = [Subscriber("+447700900123", "plumless"), Subscriber("+447700900124", "buckeroo")]
    save_subscribers(tmp_path / "x.db", people)
    directory = read_database(tmp_path / "x.db", NUMBERING)
    assert list(directory) == people
    assert [directory.find_user(one.user) for one in people] == people
