"""Subscribers' own changes: in force at once, saved beside their profiles, there after a restart."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from proxy.config.models import load_config
from proxy.files.yaml_file import FileErrors
from proxy.policy.profile import Barring, Subscriber
from proxy.process.change_writer import ChangeWriter
from proxy.process.loading import load_overlay
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import Change, ChangedDirectory, Overlay, WrongPins
from proxy.subscribers.directory import Directory

ALICE = Subscriber("+8613800138001", "alice", pin="2580", allow=("+6591234567",))
BOB = Subscriber("+8613800138002", "bob")
BARRED = Change(ALICE.number, "incoming_international", True)
ALLOWED = Change(ALICE.number, "allow", ("+6591234567", "+44*"))
WRONG = (Change(BOB.number, "wrong_pins", 2), Change(BOB.number, "last_wrong_pin", 1_760_000_000.25))
CHANGED = replace(ALICE, barring=Barring(incoming_international=True), allow=("+6591234567", "+44*"))


def store(folder: Path, location: str = "subscribers.yaml") -> ChangeStore:
    return ChangeStore(f"sqlite:///{folder / location}" if location.endswith(".db") else str(folder / location))


def test_a_change_is_in_force_at_once_and_for_nobody_else() -> None:
    overlay = Overlay()
    directory = ChangedDirectory(Directory([ALICE, BOB]), overlay)
    assert directory.find(ALICE.number) == ALICE
    overlay.apply(BARRED)
    overlay.apply(ALLOWED)
    assert directory.find(ALICE.number) == directory.find_user("alice") == CHANGED
    assert (directory.find(BOB.number), directory.find_user("bob")) == (BOB, BOB)
    assert (directory.find("+8613800138003"), directory.find_user("carol")) == (None, None)


def test_only_what_was_changed_is_laid_over_the_operators_profile() -> None:
    overlay = Overlay([BARRED])
    assert overlay.over(replace(ALICE, roaming=True, allow=())) == replace(
        ALICE, roaming=True, allow=(), barring=Barring(incoming_international=True)
    )


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


NUMBERS = st.sampled_from([ALICE.number, BOB.number])
CHANGES = st.one_of(
    st.builds(Change, NUMBERS, st.sampled_from([*Barring.__slots__, "notify"]), st.booleans()),
    st.builds(Change, NUMBERS, st.sampled_from(["allow", "block"]), st.sampled_from([(), ("+65*",), ("10086", "+1")])),
)


@given(changes=st.lists(CHANGES, max_size=12), asked=st.integers(0, 12))
def test_saved_and_unsaved_changes_together_are_all_changes(changes: list[Change], asked: int) -> None:
    before, after = Overlay(changes), Overlay()
    after.reset(changes[:asked], changes[asked:])
    assert [before.over(one) for one in (ALICE, BOB)] == [after.over(one) for one in (ALICE, BOB)]


async def test_the_writer_saves_in_order_and_tells_when_it_is_on_disk(tmp_path: Path) -> None:
    writer = ChangeWriter(store(tmp_path), Overlay())
    saving = [asyncio.create_task(writer.save([replace(BARRED, value=value)])) for value in (True, False, True)]
    assert await writer.save([ALLOWED])
    assert Overlay(store(tmp_path).load()).over(ALICE) == CHANGED
    assert await asyncio.gather(*saving) == [True, True, True]


async def test_what_waits_while_others_are_saved_is_saved_together(tmp_path: Path) -> None:
    class Slow(ChangeStore):
        batches: ClassVar[list[int]] = []

        def save(self, changes: Iterable[Change]) -> None:
            self.batches.append(len(list(changes)))

    writer = ChangeWriter(Slow(str(tmp_path / "x.yaml")), Overlay())
    first = asyncio.create_task(writer.save([BARRED]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(writer.save([ALLOWED])) for _ in range(50)]
    assert all(await asyncio.gather(first, *rest))
    assert sum(Slow.batches) == 51
    assert len(Slow.batches) <= 3


async def test_what_cannot_be_saved_is_said_and_given_up(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    overlay = Overlay()
    writer = ChangeWriter(store(folder), overlay)
    with capture_logs() as logs:
        assert not await writer.save([BARRED])
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("changes_not_saved", "error")]
    folder.mkdir()
    assert await writer.save([ALLOWED])
    await writer.close()
    assert store(folder).load() == [ALLOWED]


async def test_wrong_pins_count_even_where_they_cannot_be_saved_and_are_saved_later(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    overlay = Overlay(WRONG)
    writer = ChangeWriter(store(folder), overlay)
    assert not await writer.save(WRONG)
    await writer.read_again()
    assert overlay.wrong_pins(BOB.number) == WrongPins(2, 1_760_000_000.25)
    folder.mkdir()
    await writer.close()
    assert store(folder).load() == sorted(WRONG, key=lambda change: change.field)


async def test_reading_again_brings_what_the_operator_took_back(tmp_path: Path) -> None:
    overlay = Overlay((BARRED, *WRONG))
    writer = ChangeWriter(store(tmp_path), overlay)
    assert await writer.save((BARRED, *WRONG))
    store(tmp_path).forget(BOB.number, ["wrong_pins", "last_wrong_pin"])
    await writer.read_again()
    assert overlay.wrong_pins(BOB.number) == WrongPins()
    assert overlay.over(ALICE).barring.incoming_international


async def test_a_file_of_changes_that_is_gone_takes_nothing_back_unless_it_may_be(tmp_path: Path) -> None:
    overlay = Overlay([BARRED])
    writer = ChangeWriter(store(tmp_path), overlay)
    assert await writer.save([BARRED])
    store(tmp_path).path.unlink()
    with capture_logs() as logs:
        await writer.read_again()
    assert [(entry["event"], entry["was"], entry["now"]) for entry in logs] == [("reload_kept", 1, 0)]
    assert overlay.over(ALICE).barring.incoming_international
    await writer.read_again(may_be_gone=True)
    assert overlay.over(ALICE) == ALICE
