"""Calls are placed at their moments, and those that wait for others once these have ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from simulator.play import placing
from simulator.play.placing import Placing
from simulator.traffic.planned_call import PlannedCall
from tests.plays.contract_lab import until
from tests.plays.planned import planned


def call(name: str, *after: str, campaign: str = "", start: float = 0.0) -> PlannedCall:
    return replace(planned(name, start=start, after=after, ring=0.0, talk=0.0), campaign=campaign or name)


async def test_calls_leave_at_their_moments_whatever_becomes_of_those_before() -> None:
    placed: list[str] = []
    begins: list[float] = []

    def place(each: PlannedCall, due: float) -> None:
        placed.append(each.id)
        begins.append(due - each.start)

    all_end = await Placing([call("late", start=0.01), call("early")], place).all_placed()
    assert placed == ["early", "late"]
    assert begins == pytest.approx([all_end - 0.01] * 2)


async def test_a_call_waits_until_all_calls_of_what_it_names_have_ended() -> None:
    placed: dict[str, float] = {}
    calls = [call("a.1", campaign="a"), call("a.2", campaign="a"), call("b"), call("last", "a", "b", start=0.001)]
    play = Placing(calls, lambda each, due: placed.update({each.id: due}))
    playing = asyncio.create_task(play.all_placed())
    await until(lambda: len(placed) == 3)
    for ended in ("a.2", "b", "unknown"):
        play.ended(ended)
        await asyncio.sleep(0.01)  # in vain, where it does wait
        assert "last" not in placed
    at = asyncio.get_running_loop().time()
    play.ended("a.1")
    assert await playing == placed["last"] > at


async def test_one_may_wait_for_who_waits() -> None:
    placed: list[str] = []
    calls = [call("c", "b", start=0.2), call("b", "a", start=0.1), call("a", start=0.0)]
    play = Placing(calls, lambda each, _: placed.append(each.id))
    playing = asyncio.create_task(play.all_placed())
    for name in "abc":
        await until(lambda: placed[-1:] == [name])  # noqa: B023
        play.ended(name)
    await playing
    assert placed == ["a", "b", "c"]


async def test_what_is_not_played_is_not_waited_for() -> None:
    placed: list[str] = []
    await Placing([call("b", "a")], lambda each, _: placed.append(each.id)).all_placed()
    assert placed == ["b"]


async def test_records_are_not_waited_for_whatever_their_calls_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "GRACE", 3600.0)
    placed: list[str] = []
    calls = [call("a"), call("b", "a"), replace(call("recorded.7", start=0.02), campaign="a")]
    play = Placing(calls, lambda each, _: placed.append(each.id))
    playing = asyncio.create_task(play.all_placed())
    await until(lambda: placed == ["a", "recorded.7"])
    play.ended("a")
    await until(lambda: placed[-1] == "b")
    await playing


async def test_a_call_that_ends_as_it_is_placed_is_waited_for_no_longer() -> None:
    placed: list[str] = []

    def place(each: PlannedCall, _: float) -> None:
        placed.append(each.id)
        play.ended(each.id)

    play = Placing([call("a"), call("b", "a")], place)
    await play.all_placed()
    assert placed == ["a", "b"]


async def test_what_does_not_end_in_time_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "GRACE", 0.05)
    placed: list[str] = []
    calls = [call("a"), call("b", "a"), call("c", "b")]
    await Placing(calls, lambda each, _: placed.append(each.id)).all_placed()
    assert placed == ["a", "b", "c"]


async def test_an_error_of_one_that_is_placed_ends_all_with_that_error() -> None:
    def place(each: PlannedCall, _: float) -> None:
        raise OSError(each.id)

    with pytest.raises(OSError, match="a"):
        await Placing([call("a"), call("b", "a")], place).all_placed()
