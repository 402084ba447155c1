"""Traffic that comes by itself: calls at a rate, of the families or of a scenario, until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from proxy.files.yaml_file import FileErrors
from simulator.scenario.file_kinds import files_in
from simulator.scenario.model import Scenario, load_scenarios
from simulator.stage.events import Traffic as TrafficEvent
from simulator.stage.hand import Hand
from simulator.stage.hub import Hub
from simulator.stage.programme import mixed, played
from simulator.stage.soon import Soon
from simulator.stage.standing import Standing
from simulator.traffic.plan import populated
from simulator.traffic.planned_call import PlannedCall

FASTEST = 100.0  # calls a second
_NAME = 64  # characters of a call's name
_MOST_UNDER_WAY = 2_000  # calls at a time: beyond that a call is left out, and counted


class NoTraffic(ValueError):
    """Calls cannot come so; says what is wrong."""


class Traffic:
    """Places calls by itself in a standing lab. Needs a running event loop."""

    def __init__(self, scenario: Scenario, hand: Hand, standing: Standing, hub: Hub, soon: Soon) -> None:
        self._scenario = scenario
        self._hand = hand
        self._standing = standing
        self._hub = hub
        self._soon = soon
        self._files: dict[str, Path] = {}
        self._runs = 0
        self._task: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._now: dict[str, object] = {}

    def offer(self, files: dict[str, Path]) -> None:
        """Let calls of these scenarios come, by name."""
        self._files = files

    async def start(self, scenario: str | None, rate: float) -> None:
        """Let calls come, `rate` a second; those of before come no more. Raises NoTraffic."""
        if not 0 < rate <= FASTEST:
            raise NoTraffic(f"rate: expected more than 0, and at most {FASTEST:.0f} calls a second")
        rate = float(rate)
        async with self._one_at_a_time:  # who stops it meanwhile waits, and stops what is begun here
            calls = await self._calls(scenario)
            await self._end()
            self._runs += 1
            self._now = {"running": True, "scenario": scenario, "rate": rate, "placed": 0, "left_out": 0}
            self._tell()
            self._task = asyncio.get_running_loop().create_task(self._place(calls, rate, f"t{self._runs}"))

    async def stop(self) -> None:
        """Let no more come; those under way go on."""
        async with self._one_at_a_time:
            await self._end()

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._now.get("running"):
            self._now["running"] = False
            self._tell()

    async def _calls(self, name: str | None) -> Iterator[PlannedCall]:
        if name is None:
            return mixed(self._hand, self._scenario.subscribers, seed=self._runs + 1)
        if name == self._scenario.name:
            return played(self._scenario, self._scenario.subscribers)
        if (file := self._files.get(name)) is None:
            raise NoTraffic(f"found no scenario {name[:80]!r}, expected one of {', '.join(self._files)}")
        try:
            [(scenario, _)] = await asyncio.to_thread(load_scenarios, [file])
        except FileErrors as errors:
            raise NoTraffic(str(errors)) from None
        return played(populated(scenario, scenario.seed), self._scenario.subscribers)

    async def _place(self, calls: Iterator[PlannedCall], rate: float, run: str) -> None:
        """Place calls at random moments (a Poisson process), whatever becomes of those before."""
        random = Random(run)
        due = time.monotonic()
        for number, planned in enumerate(calls, start=1):
            due += random.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self._standing.under_way >= _MOST_UNDER_WAY:
                self._count("left_out")
                continue
            self._standing.place(
                replace(planned, id=f"{run}-{number}-{planned.id}"[:_NAME].replace(".", "-")), by_itself=True
            )
            self._count("placed")
        self._now["running"] = False
        self._tell()

    def _count(self, what: str) -> None:
        count = self._now[what]
        assert isinstance(count, int)  # noqa: S101 - as `start` made it
        self._now[what] = count + 1
        self._soon.tell("traffic", lambda: TrafficEvent(time.time(), dict(self._now)))

    def _tell(self) -> None:
        self._hub.publish(TrafficEvent(time.time(), dict(self._now)))


def offered(folders: list[Path], home: str) -> dict[str, Path]:
    """The scenarios in some folders whose home is that of the lab, by name; all that has mistakes is left out."""
    found: dict[str, Path] = {}
    for file in (file for folder in folders if folder.is_dir() for file in files_in(folder, ".yaml")):
        with contextlib.suppress(FileErrors):
            for scenario, path in load_scenarios([file]):
                if scenario.home == home:
                    found.setdefault(scenario.name, path)
    return found
