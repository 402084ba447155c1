"""Changes are kept beside the subscribers' file or in their database, and there after a restart."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.config.models import load_config
from proxy.files.yaml_file import FileErrors
from proxy.policy.profile import Subscriber
from proxy.process.loading import load_overlay
from proxy.subscribers.changes import Change, Overlay, WrongPins
from tests.plays.subscribers_changes import ALICE, ALLOWED, BARRED, BOB, CHANGED, WRONG, store


def test_patterns_that_a_former_version_saved_as_dialled_are_read_when_they_are_loaded(tmp_path: Path) -> None:
    ann = Subscriber("+442079460101")
    (tmp_path / "subscribers.yaml").write_text('subscribers: [{number: "+442079460101"}]\n')
    (tmp_path / "proxy.yaml").write_text(
        "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\nhome: GB\nsubscribers: subscribers.yaml\n"
    )
    store(tmp_path).save([Change(ann.number, "block", ("09*", "+449*", "07700900123", "+0123*", "00*"))])
    overlay = load_overlay(load_config(tmp_path / "proxy.yaml"))
    assert overlay.over(ann).block == ("+449*", "+447700900123", "+0123*", "00*")


@pytest.mark.parametrize("location", ["subscribers.yaml", "x.db"])
def test_changes_outlast_a_restart(tmp_path: Path, location: str) -> None:
    store(tmp_path, location).save([BARRED, *WRONG])
    store(tmp_path, location).save([ALLOWED, replace(WRONG[0], value=3)])
    overlay = Overlay(store(tmp_path, location).load())
    assert overlay.over(ALICE) == CHANGED
    assert overlay.wrong_pins(BOB.number) == WrongPins(3, 1_760_000_000.25)
    assert overlay.wrong_pins(ALICE.number) == WrongPins()


def test_they_lie_beside_a_yaml_file_and_inside_a_database(tmp_path: Path) -> None:
    assert store(tmp_path).path == tmp_path / "subscribers.changes.db"
    assert store(tmp_path, "x.db").path == tmp_path / "x.db"


def test_before_the_first_change_no_file_is_made(tmp_path: Path) -> None:
    assert store(tmp_path).load() == []
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_subscribers_without_changes_has_none(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as database, database:
        database.execute("CREATE TABLE subscribers (number TEXT)")
    assert store(tmp_path, "x.db").load() == []


def test_the_operator_takes_changes_back(tmp_path: Path) -> None:
    store(tmp_path).save([BARRED, *WRONG])
    store(tmp_path).forget(BOB.number, ["wrong_pins", "last_wrong_pin", "notify"])
    assert store(tmp_path).load() == [BARRED]


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [("pin", '"0000"', "1:2"), ("allow", '["me"]', "1:3"), ("notify", "maybe", "1:3"), ("wrong_pins", "[]", "1:3")],
)
def test_what_is_no_change_is_told_with_its_place(tmp_path: Path, field: str, value: str, place: str) -> None:
    store(tmp_path).save([])
    with closing(sqlite3.connect(tmp_path / "subscribers.changes.db")) as database, database:
        database.execute("INSERT INTO changes VALUES (?, ?, ?)", (ALICE.number, field, value))
    with pytest.raises(FileErrors, match=f"subscribers.changes.db:{place}: "):
        store(tmp_path).load()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "subscribers.changes.db").write_text("number,field,value\n" * 100)
    with pytest.raises(FileErrors, match="file is not a database"):
        store(tmp_path).load()
