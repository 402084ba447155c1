"""Changes are written in order, and a change counts once it is on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from structlog.testing import capture_logs

from proxy.process.change_writer import ChangeWriter
from proxy.subscribers.change_store import ChangeStore
from proxy.subscribers.changes import Change, Overlay, WrongPins
from tests.plays.subscribers_changes import ALICE, ALLOWED, BARRED, BOB, CHANGED, WRONG, store


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
