"""Subscribers in YAML files and in databases."""

from __future__ import annotations

import re
import sqlite3
import tracemalloc
from contextlib import closing
from itertools import product, starmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.models import load_config
from proxy.files.yaml_file import FileErrors
from proxy.policy.profile import Barring, Subscriber
from proxy.policy.treatments import Divert, Play, Warn
from proxy.subscribers.directory import Directory
from proxy.subscribers.sqlite import save_subscribers
from proxy.subscribers.storage import read_directory

ALICE = Subscriber(
    "+8613800138001",
    user="alice",
    password="s3cret",
    pin="2580",
    roaming=True,
    barring=Barring(incoming_international=True),
    allow=("+6591234567", "+44*"),
    block=("+1900*",),
)
BOB = Subscriber("+8613800138002")
IN_YAML = """\
subscribers:
  - {number: "+8613800138001", user: alice, password: s3cret, pin: "2580", roaming: yes,
     barring: {incoming_international: on, anonymous: off}, allow: ["+6591234567", "+44*"], block: ["+1900*"]}
  - number: "+8613800138002"
"""
INSERT = """
INSERT INTO subscribers (number, user, password, pin, roaming, incoming_international, allow, block)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def read(folder: Path, location: str, home: str = "CN") -> Directory:
    config = folder / "proxy.yaml"
    listening = "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n"
    config.write_text(f"{listening}subscribers: {location}\nhome: {home}\n")
    return read_directory((given := load_config(config)).subscribers, given.numbering())


def read_yaml(folder: Path, text: str, home: str = "CN") -> Directory:
    (folder / "subscribers.yaml").write_text(text)
    return read(folder, "subscribers.yaml", home)


def fill(folder: Path, *rows: tuple[object, ...]) -> None:
    with closing(sqlite3.connect(folder / "x.db")) as database, database:
        database.executemany(INSERT, rows)


def test_subscribers_are_read_from_yaml_and_found_by_number_and_by_user(tmp_path: Path) -> None:
    directory = read_yaml(tmp_path, IN_YAML)
    assert list(directory) == [ALICE, BOB]
    assert directory.find("+8613800138001") == ALICE
    assert directory.find("+8613800138002") == BOB
    assert directory.find_user("alice") == ALICE
    assert len(directory) == 2


def test_who_is_no_subscriber_is_not_found(tmp_path: Path) -> None:
    directory = read_yaml(tmp_path, IN_YAML)
    assert [directory.find(number) for number in ("+8613800138003", "13800138001", "+", "", "alice")] == [None] * 5
    assert [directory.find_user(user) for user in ("", "bob", "+8613800138002")] == [None] * 3


def test_a_database_that_is_missing_is_not_made_but_said_how_to_make(tmp_path: Path) -> None:
    with pytest.raises(FileErrors) as caught:
        read(tmp_path, "sqlite:///x.db")
    path = tmp_path / "x.db"
    command = f"ringfence subscribers import subscribers.yaml sqlite:///{path}"
    assert str(caught.value) == f"{path}: no such file; make the database with `{command}`"
    assert not path.exists()


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_reading_a_database_changes_nothing(tmp_path: Path, journal: str) -> None:
    save_subscribers(tmp_path / "x.db", [ALICE])
    with closing(sqlite3.connect(tmp_path / "x.db")) as database:
        database.execute(f"PRAGMA journal_mode={journal}")
    before = (tmp_path / "x.db").read_bytes()
    assert list(read(tmp_path, "sqlite:///x.db")) == [ALICE]
    assert (tmp_path / "x.db").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["proxy.yaml", "x.db"]


def test_saved_subscribers_come_out_as_they_went_in_and_replace_those_of_their_number(tmp_path: Path) -> None:
    save_subscribers(tmp_path / "x.db", [ALICE, BOB])
    assert list(read(tmp_path, "sqlite:///x.db")) == [ALICE, BOB]
    barring = Barring(anonymous=True, all_incoming=True, all_outgoing=True, incoming_when_roaming=True)
    moved = ALICE.but(user="alicia", barring=barring)
    save_subscribers(tmp_path / "x.db", [moved])
    assert list(read(tmp_path, "sqlite:///x.db")) == [moved, BOB]


def test_of_subscribers_that_clash_with_others_none_is_saved(tmp_path: Path) -> None:
    save_subscribers(tmp_path / "x.db", [ALICE])
    with pytest.raises(FileErrors, match=r"x.db: UNIQUE constraint failed: subscribers.user"):
        save_subscribers(tmp_path / "x.db", [BOB, ALICE.but(number="+8613800138003")])
    assert list(read(tmp_path, "sqlite:///x.db")) == [ALICE]


def test_a_database_written_by_others_holds_the_same_fields(tmp_path: Path) -> None:
    save_subscribers(tmp_path / "x.db", [])
    fill(
        tmp_path,
        ("+8613800138001", "alice", "s3cret", "2580", 1, 1, "+6591234567 +44*", "+1900*"),
        ("+8613800138002", None, "", None, 0, 0, "", ""),
    )
    assert list(read(tmp_path, "sqlite:///x.db")) == [ALICE, BOB]


def test_a_wrong_value_in_a_database_is_placed_by_row_and_column(tmp_path: Path) -> None:
    save_subscribers(tmp_path / "x.db", [])
    fill(
        tmp_path,
        ("+8613800138001", None, "", None, 0, 0, "", ""),
        ("13800138002", None, "", "12", 0, 7, "", "+1900* x"),
    )
    with pytest.raises(FileErrors) as caught:
        read(tmp_path, "sqlite:///x.db")
    pattern = (
        'a number such as "+6591234567" or a prefix that ends in *, such as "+1900*", in international form or as'
        " dialled at home"
    )
    number = 'an E.164 number: "+", the country code, digits only, such as "+8613800138001"'
    assert str(caught.value).replace(f"{tmp_path / 'x.db'}:", "").splitlines() == [
        f'2:1: found number "13800138002", expected {number}',
        '2:4: found pin "12", expected a PIN of 4 to 8 digits',
        '2:6: found incoming_international "7", expected on or off',
        f'2:10: found block "+1900* x", expected {pattern}',
    ]


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("number,user\n" * 100)
    with pytest.raises(FileErrors, match=r"x.db: file is not a database; expected an SQLite database of subscribers"):
        read(tmp_path, "sqlite:///x.db")


BRITISH = ["+447700900123", "+33123456789", "+449*", "00*", "116123"]


def test_lists_are_read_as_dialled_at_home(tmp_path: Path) -> None:
    """The same ones from YAML and from a database, each number once."""
    written = ["07700900123", "0033 1 23 45 67 89", "09*", "+44 7700 900123", "00*", "116123"]
    text = f'subscribers: [{{number: "+442079460101", allow: {written}, block: ["0800*"]}}]\n'
    (from_yaml,) = read_yaml(tmp_path, text.replace("'", '"'), "GB")
    assert (list(from_yaml.allow), from_yaml.block) == (BRITISH, ("+44800*",))
    save_subscribers(tmp_path / "x.db", [])
    listed = " ".join(one.replace(" ", "") for one in written)
    fill(tmp_path, ("+442079460101", None, "", None, 0, 0, listed, "0800*"))
    assert list(read(tmp_path, "sqlite:///x.db", "GB")) == [from_yaml]


def test_what_stands_for_nothing_on_a_list_is_refused_with_its_place(tmp_path: Path) -> None:
    text = """\
subscribers:
  - {number: "+442079460101", allow: ["09*", "000000*"]}
  - number: "+442079460102"
    block:
      - "0770090012"
      - "+0123*"
      - "+*"
"""
    with pytest.raises(FileErrors) as caught:
        read_yaml(tmp_path, text, "GB")
    assert re.findall(r":(\d+:\d+): found (\S+),", str(caught.value)) == [
        ("2:46", '"000000*"'),
        ("5:9", '"0770090012"'),
        ("6:9", '"+0123*"'),
        ("7:9", '"+*"'),
    ]
    save_subscribers(tmp_path / "x.db", [])
    fill(tmp_path, ("+442079460101", None, "", None, 0, 0, "09* 000000*", "+0123*"))
    with pytest.raises(FileErrors) as caught:
        read(tmp_path, "sqlite:///x.db", "GB")
    assert re.findall(r":(\d+:\d+): found (.+?), expected", str(caught.value)) == [
        ("1:9", 'allow "09* 000000*"'),
        ("1:10", 'block "+0123*"'),
    ]


def test_two_subscribers_cannot_share_a_number_or_a_user(tmp_path: Path) -> None:
    text = """\
subscribers:
  - {number: "+8613800138001", user: alice}
  - {number: "+8613800138001"}
  - {number: "+8613800138002", user: alice}
"""
    with pytest.raises(FileErrors) as caught:
        read_yaml(tmp_path, text)
    assert str(caught.value).replace(f"{tmp_path / 'subscribers.yaml'}:", "").splitlines() == [
        '3:14: found "+8613800138001", expected a number that no subscriber before it has',
        '4:38: found "alice", expected a user that no subscriber before it has',
    ]


def test_a_subscribers_own_treatments_are_read_from_yaml_and_kept_in_a_database(tmp_path: Path) -> None:
    text = """\
subscribers:
  - {number: "+8613800138001", treatment: {subscriber.block: {divert: {play: blocked}}, scam_list.exact: {warn: on}}}
  - {number: "+8613800138002"}
"""
    people = read_yaml(tmp_path, text)
    assert [one.treatment for one in people] == [
        {"subscriber.block": Divert(divert=Play(play="blocked")), "scam_list.exact": Warn(warn="on")},
        {},
    ]
    save_subscribers(tmp_path / "x.db", people)
    assert list(read(tmp_path, "sqlite:///x.db")) == list(people)


def test_wrong_treatments_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    wrong = '{number: "+8613800138001", treatment: {scam_list.exact: {reject: "607"}}}'
    with pytest.raises(FileErrors, match=r':2:70: found "607", expected 607 for subscriber.block only'):
        read_yaml(tmp_path, f"subscribers:\n  - {wrong}\n")
    save_subscribers(tmp_path / "x.db", [Subscriber("+8613800138001")])
    for treatment in ('{"scam_list.exact": {"reject": "607"}}', "{"):
        with closing(sqlite3.connect(tmp_path / "x.db")) as database, database:
            database.execute("UPDATE subscribers SET treatment = ?", (treatment,))
        with pytest.raises(FileErrors, match=r"x.db:1:13: found treatment"):
            read(tmp_path, "sqlite:///x.db")


def test_no_subscribers_named_means_nobody(tmp_path: Path) -> None:
    (tmp_path / "proxy.yaml").write_text("listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n")
    assert list(read_directory((given := load_config(tmp_path / "proxy.yaml")).subscribers, given.numbering())) == []


def test_a_subscriber_takes_at_most_400_bytes() -> None:
    people = (Subscriber(f"+86138{i:08d}", f"user{i}", f"s3cret{i}", "2580") for i in range(5_000))
    tracemalloc.start()
    directory = Directory(people)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / len(directory) <= 400


NUMBERS = st.integers(1, 999_999_999_999_999).map("+{}".format)
PATTERNS = st.lists(st.tuples(NUMBERS, st.sampled_from(["", "*"])).map("".join), max_size=3).map(tuple)
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12)
SUBSCRIBERS = st.builds(
    Subscriber,
    number=NUMBERS,
    user=TEXTS,
    password=TEXTS,
    pin=st.none() | st.text("0123456789", min_size=4, max_size=8),
    roaming=st.booleans(),
    barring=st.sampled_from(list(starmap(Barring, product((False, True), repeat=len(Barring.__match_args__))))),
    allow=PATTERNS,
    block=PATTERNS,
    notify=st.booleans(),
    treatment=st.sampled_from(
        [{}, {"scam_list.exact": Warn(warn="on")}, {"scam_list.exact": Divert(divert="honeypot")}]
    ),
)


@given(people=st.lists(SUBSCRIBERS, unique_by=(lambda one: one.number, lambda one: one.user)))
def test_everybody_comes_out_as_they_went_in(people: list[Subscriber]) -> None:
    directory = Directory(people)
    assert list(directory) == people
    assert all(directory.find(one.number) == one for one in people)
    assert all(directory.find_user(one.user) == (one if one.user else None) for one in people)


@pytest.mark.parametrize("length", [1, *range(110, 118), 1_000, 100_000])
def test_subscribers_with_long_lists_come_out_whole(length: int) -> None:
    people = [Subscriber("+8613800138001", password="é" * length, user="alice"), BOB]
    directory = Directory(people)
    assert list(directory) == people
    assert [directory.find(one.number) for one in people] == people


def test_numbers_of_one_hash_are_told_apart() -> None:
    crc_of_both = "+447700932238249", "+447700990880708"
    directory = Directory(map(Subscriber, crc_of_both))
    assert [directory.find(number) for number in crc_of_both] == list(directory)
    assert Directory([Subscriber(crc_of_both[0])]).find(crc_of_both[1]) is None


def test_a_text_that_is_no_unicode_is_nobodys() -> None:
    assert Directory([BOB]).find("+86\udc80") is None


def test_a_database_without_rules_of_its_own_may_hold_nobody_twice(tmp_path: Path) -> None:
    fill_from = [
        ("+8613800138001", "alice"),
        ("+8613800138002", None),
        ("+8613800138001", "bob"),
        ("+86138001380", "bob"),
    ]
    save_subscribers(tmp_path / "x.db", [])
    with closing(sqlite3.connect(tmp_path / "x.db")) as database, database:
        database.execute("ALTER TABLE subscribers RENAME TO made")
        database.execute("CREATE TABLE subscribers AS SELECT * FROM made")
        database.executemany(
            "INSERT INTO subscribers SELECT ?, ?, '', NULL, 0, 0, 0, 0, '', '', 0, 0, '', 0, 0, 0", fill_from
        )
    with pytest.raises(FileErrors) as caught:
        read(tmp_path, "sqlite:///x.db")
    assert str(caught.value).replace(f"{tmp_path}/", "").splitlines() == [
        'x.db:3:1: found number "+8613800138001", expected a number that no other row has',
        'x.db:4:2: found user "bob", expected a user that no other row has',
    ]
