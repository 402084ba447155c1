"""Traffic by itself: calls at a rate, of the families or of a scenario, on the lab's own subscribers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from simulator.scenario.model import load_scenarios
from simulator.stage.chosen import DEFAULT
from simulator.stage.families import NAMES
from simulator.stage.programme import SHARES, played
from tests.plays.stage import JSON, WITHIN, StagePlay, soon_over, standing_stage

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagePlay]:
    folder = tmp_path_factory.mktemp("stage")
    with soon_over(), standing_stage(folder, scenarios=ROOT / "scenarios") as play:
        yield play


def test_every_family_has_a_share() -> None:
    assert set(SHARES) == set(NAMES)


def test_calls_of_all_families_come_until_they_are_stopped(stage: StagePlay) -> None:
    stage.post("/api/traffic", scenario=None, rate=40)
    stage.until(lambda state: state.score.get("calls", 0) > 24)
    stage.post("/api/traffic", stop=True)

    state = stage.get("/api/state")
    traffic, score = state["traffic"], state["score"]
    assert {"friend", "cold-call"} <= set(score["families"])
    assert score["faults"] == 0
    assert (traffic["running"], traffic["rate"]) == (False, 40)
    stage.until(lambda _: stage.stage.standing.under_way == 0)
    assert stage.get("/api/state")["traffic"]["placed"] == traffic["placed"]


def test_calls_that_were_started_by_several_at_once_come_at_one_rate_and_are_stopped(stage: StagePlay) -> None:
    traffic = stage.stage.traffic

    async def start_at_once() -> None:
        await traffic.start(None, 40)
        await asyncio.gather(traffic.start(None, 40), traffic.start(None, 40))
        await traffic.stop()

    def placing() -> int:
        return sum("Traffic._place" in repr(task.get_coro()) for task in asyncio.all_tasks())

    stage.run(start_at_once())
    assert stage.within(placing) == 0
    assert not stage.get("/api/state")["traffic"]["running"]


def test_who_stops_what_is_still_being_read_stops_it(stage: StagePlay, monkeypatch: pytest.MonkeyPatch) -> None:
    traffic, begun, go_on = stage.stage.traffic, threading.Event(), threading.Event()

    def slowly(files: list[Path]) -> Any:
        begun.set()
        go_on.wait(WITHIN)
        return load_scenarios(files)

    async def start_and_stop() -> None:
        starting = asyncio.create_task(traffic.start("wangiri", 40))
        await asyncio.to_thread(begun.wait, WITHIN)
        stopping = asyncio.create_task(traffic.stop())
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(starting, stopping)

    monkeypatch.setattr("simulator.stage.traffic.load_scenarios", slowly)
    stage.run(start_and_stop())
    assert not stage.get("/api/state")["traffic"]["running"]


def test_a_scenario_of_the_same_home_is_offered_and_its_calls_go_to_our_subscribers(stage: StagePlay) -> None:
    names = stage.until(lambda state: [each["id"] for each in state.scenarios])
    assert "wangiri" in names
    assert "spoofed-home-number" not in names  # of Britain

    before = {each["id"] for each in stage.get("/api/state")["calls"]}
    stage.post("/api/traffic", scenario="wangiri", rate=40)

    stage.until(lambda state: len({each["id"] for each in state.calls} - before) > 20)
    stage.post("/api/traffic", stop=True)
    calls = [each for each in stage.get("/api/state")["calls"] if each["id"] not in before]
    assert {each["subscriber"] for each in calls} == {"alice", "bob", "carol"}
    assert {each["trunk"] for each in calls} == {"international", "domestic"}


def test_messages_of_one_call_at_a_time_are_told(stage: StagePlay) -> None:
    stage.post("/api/traffic", scenario=None, rate=60)
    placed: set[str] = set()
    watched: set[str] = set()
    with stage.events() as events:
        while len(placed) <= 20:
            name, fields = next(events)
            if name == "placed":
                placed.add(fields["call"]["id"])
            elif name == "message":
                watched.add(fields["call"])
    stage.post("/api/traffic", stop=True)

    assert 0 < len(watched) < len(placed) / 2


@pytest.mark.parametrize(
    "keys", [{"rate": 0}, {"rate": 1e9}, {"rate": "fast"}, {}, {"rate": 1, "scenario": "../../etc"}, {"rate": True}]
)
def test_traffic_that_makes_no_sense_is_refused(stage: StagePlay, keys: dict[str, object]) -> None:
    status, _, body = stage.ask("POST", "/api/traffic", json.dumps(keys).encode(), JSON)

    assert status == 422
    assert json.loads(body)["error"]


@pytest.mark.parametrize("name", ["own-number-calls", "wangiri", "self-service", "text-then-call"])
def test_who_showed_the_number_of_a_subscriber_shows_one_of_ours(name: str) -> None:
    [(ours, _)] = load_scenarios([DEFAULT])
    [(theirs, _)] = load_scenarios([ROOT / "scenarios" / f"{name}.yaml"])

    calls = list(islice(played(theirs, ours.subscribers), 100))

    numbers = {each.number for each in theirs.subscribers.values()} - {
        each.number for each in ours.subscribers.values()
    }
    assert calls
    assert not {each.caller for each in calls} & numbers
    assert all(each.callee_name in (None, *ours.subscribers) for each in calls)
