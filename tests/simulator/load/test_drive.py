"""Driving a load, with processes that only seem to be there."""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Callable
from typing import cast

import pytest

from simulator.errors import LabError
from simulator.load import drive as driving
from simulator.load.drive import Asked, Drive, Live, Told
from simulator.load.pace import Pace
from simulator.load.rig import Rig
from tests.plays.loaded import LIMITS, plan, rows


class SeemingRig:
    """Generators whose callers hear ringing after the `delay` of a rate, or never where that is None."""

    def __init__(self, delay: Callable[[float], float | None]) -> None:
        self._delay = delay
        self.on_rows: Callable[[array[float]], None] = lambda _: None
        self.played: list[Pace] = []
        self.cuts: list[int] = []
        self.unheard = self.under_way = 0
        self.broken = ""
        self.told = math.inf
        self.hangs = 0  # calls of a plateau that are not placed

    def play(self, pace: Pace) -> None:
        self.played.append(pace)
        delay = self._delay(pace.rate)
        self.unheard = 0 if delay is not None else pace.calls
        for index in range(pace.calls if delay is not None else 0):
            told = rows(pace.number + index, due=pace.due(index), rang=delay, plateau=pace.plateau)
            self.on_rows(told)

    def ask(self) -> None:
        """Nothing: all was told at once."""

    def cut(self, plateau: int) -> None:
        self.cuts.append(plateau)

    def placed(self, plateau: int) -> int:
        return self.played[plateau].calls - self.played[plateau].ramp_calls - self.hangs

    def proxy_waited(self) -> float | None:
        return 1.0

    def spent(self) -> dict[str, tuple[float, ...]]:
        return {"proxy": (1.0,), "far_end": (1.0,), "generators": (1.0, 1.0)}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_LEAD", "_REPORTED", "_PATIENCE", "_SETTLED", "_ENOUGH"):
        monkeypatch.setattr(driving, name, 0.01)
    monkeypatch.setattr(driving, "_TICK", 0.001)
    monkeypatch.setattr(driving, "_GLANCE", 0.001)


async def driven(
    rig: SeemingRig, lowest: float, highest: float, *, hold: float = 0.05, told: list[Told] | None = None
) -> Drive:
    heard: list[Told] = [] if told is None else told
    drive = Drive(Asked(lowest, highest, 0.01, hold, LIMITS), [plan()], heard.append)
    rig.on_rows = drive.rows
    await drive.run(cast("Rig", rig))
    return drive


async def test_a_search_finds_the_rate_up_to_which_callers_hear_soon() -> None:
    told: list[Told] = []
    drive = await driven(SeemingRig(lambda rate: 0.01 if rate <= 300 else 0.5), 100.0, 1000.0, told=told)
    assert [each.rate for each in drive.plateaus][:4] == [100.0, 200.0, 400.0, 400.0]
    assert drive.best is not None
    assert 270 <= drive.best.rate <= 300
    assert [each for each in told if not isinstance(each, Live)] == drive.plateaus
    assert any(isinstance(each, Live) for each in told)


async def test_calls_of_a_ramp_do_not_count() -> None:
    rig = SeemingRig(lambda _: 0.01)
    drive = await driven(rig, 200.0, 200.0)
    (plateau,) = drive.plateaus
    assert rig.played[0].ramp_calls > 0
    assert plateau.tally.heard == plateau.calls == 10


async def test_calls_are_numbered_through_all_plateaus() -> None:
    rig = SeemingRig(lambda _: 0.01)
    await driven(rig, 100.0, 400.0)
    assert [each.number for each in rig.played] == [0, rig.played[0].calls, rig.played[0].calls + rig.played[1].calls]


async def test_a_plateau_that_only_makes_a_queue_longer_is_ended_early() -> None:
    rig = SeemingRig(lambda _: None)
    drive = await driven(rig, 100.0, 100.0, hold=60.0)  # a second's calls wait: there is no need to see the minute out
    (plateau,) = drive.plateaus
    assert (plateau.cut, plateau.held, rig.cuts) == (True, False, [0])
    assert plateau.failures == {"no answer": plateau.calls}


async def test_a_plateau_whose_calls_were_not_all_placed_does_not_hold() -> None:
    rig = SeemingRig(lambda _: 0.01)
    rig.hangs = 4
    drive = await driven(rig, 200.0, 200.0)
    (plateau,) = drive.plateaus
    assert (plateau.held, plateau.calls, plateau.unplaced) == (False, 6, 4)
    assert plateau.missed == ("4 of the 10 calls that were due were not placed",)
    assert plateau.itself == ("the generators placed 6 of the 10 calls that were due",)


async def test_calls_that_are_placed_late_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving, "_PATIENCE", 20.0)
    rig = SeemingRig(lambda _: 0.01)
    rig.hangs = 4
    asyncio.get_running_loop().call_later(0.3, setattr, rig, "hangs", 0)
    drive = await driven(rig, 200.0, 200.0)
    (plateau,) = drive.plateaus
    assert (plateau.held, plateau.calls, plateau.unplaced) == (True, 10, 0)


async def test_a_process_that_ends_ends_the_load() -> None:
    rig = SeemingRig(lambda _: 0.01)
    rig.broken = "the proxy ended amid the load"
    with pytest.raises(LabError, match="amid the load"):
        await driven(rig, 100.0, 100.0)


async def test_of_a_plateau_that_a_process_broke_off_what_was_heard_is_kept() -> None:
    rig = SeemingRig(lambda _: 0.01)
    told: list[Told] = []
    drive = Drive(Asked(100.0, 100.0, 0.0, 60.0, LIMITS), [plan()], told.append)
    rig.on_rows = drive.rows
    asyncio.get_running_loop().call_later(0.1, setattr, rig, "broken", "a generator of the load ended (SIGKILL)")
    with pytest.raises(LabError, match="SIGKILL"):
        await drive.run(cast("Rig", rig))
    (plateau,) = drive.plateaus
    assert told[-1] is plateau
    assert (plateau.held, plateau.calls, plateau.failed) == (False, plateau.tally.heard, 0)
    assert "it was broken off after 0 s" in plateau.missed
    assert plateau.broken == "a generator of the load ended (SIGKILL)"


async def test_a_load_that_is_stopped_keeps_the_plateau_under_way() -> None:
    rig = SeemingRig(lambda _: 0.01)
    drive = Drive(Asked(100.0, 400.0, 0.0, 60.0, LIMITS), [plan()], lambda _: None)
    rig.on_rows = drive.rows
    asyncio.get_running_loop().call_later(0.05, drive.stop.set)
    await drive.run(cast("Rig", rig))
    assert [each.rate for each in drive.plateaus] == [100.0]
    assert (drive.plateaus[0].cut, rig.cuts) == (False, [0])
