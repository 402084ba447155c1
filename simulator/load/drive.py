"""Drives a load: plateau after plateau, until the highest rate that holds is found or the one asked for was held.

Every tick it tells its listener how it goes. Nothing of a single call is kept: rows are counted as they come.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.errors import LabError
from simulator.judging.latency import Distribution
from simulator.load.pace import Pace
from simulator.load.plateau import Limits, Plateau
from simulator.load.processor import machine
from simulator.load.rig import Rig
from simulator.load.rows import NUMBER, PLATEAU
from simulator.load.search import best, next_rate
from simulator.load.tally import FROM_DUE, NO_ANSWER, REFUSAL_FROM_DUE, Tally, split
from simulator.traffic.planned_call import PlannedCall

_TICK = 1.0  # seconds
_LEAD = 0.3  # seconds until a plateau's ramp: orders are on their way for less
_PATIENCE = 10.0  # seconds that callers get to hear something, before their calls count as failed
_SETTLED = 15.0  # seconds that calls get to end, after a plateau that did not hold
_HOPELESS = 5  # times the limit: no plateau recovers from that
_ENOUGH = 2.0  # seconds of a plateau before it is given up
_REPORTED = 0.5  # seconds within which generators tell what they know, or stand still
_PATIENCE_STOPPED = 2.0  # of a load that was interrupted
_GLANCE = 0.05


@dataclass(frozen=True, slots=True)
class Asked:
    """The load to drive: to `lowest` calls a second, or in search of the highest rate that holds up to `highest`, where
    that is another. `ramp` and `hold` are in seconds."""

    lowest: float
    highest: float
    ramp: float
    hold: float
    limits: Limits

    @property
    def find(self) -> bool:
        """True for a search."""
        return self.highest > self.lowest


class Live(NamedTuple):
    """The state of a load: of the plateau of `rate`, what was placed and has failed so far; of the latest second, the
    rate at which calls were heard of, their delays from when they were due, and how late they left. `proxy` is the
    share of a processor."""

    at: float
    plateau: int
    rate: float
    placed: int
    failed: int
    under_way: int
    heard_rate: float
    delay: Distribution | None
    lateness: Distribution | None
    proxy: float | None


Told = Live | Plateau


@dataclass(slots=True)
class Drive:
    """A load on its way; `rows` takes what generators tell. Setting `stop` ends it in order."""

    asked: Asked
    calls: Sequence[PlannedCall]
    listener: Callable[[Told], None]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    plateaus: list[Plateau] = field(default_factory=list)
    _pace: Pace = field(default_factory=lambda: Pace(-1, 0, 0.0, 1.0, 1.0, 0.0, 0.0))
    _tally: Tally = field(default_factory=Tally)
    _recent: Tally = field(default_factory=Tally)
    _live: Live | None = None
    _told: float = field(default_factory=time.monotonic)
    _spent: float = 0.0
    _began: tuple[float, float] | None = None  # the plateau under way, by both clocks

    def rows(self, rows: array[float]) -> None:
        """Count what has become of calls. Those of a ramp, or of a plateau that is over, count in what is live."""
        first = self._pace.number + self._pace.ramp_calls
        for row in split(rows):
            number = int(row[NUMBER])
            call = self.calls[number % len(self.calls)]
            self._recent.add(row, call)
            if row[PLATEAU] == self._pace.plateau and number >= first:
                self._tally.add(row, call)

    async def run(self, rig: Rig) -> None:
        """Drive it to its end. Raises LabError where a process ends; what the plateau under way came to is kept."""
        number, before = 0, self.asked.lowest / 2
        while not self.stop.is_set() and (rate := self._next_rate()) is not None:
            pace = Pace(
                len(self.plateaus), number, time.monotonic() + _LEAD, before, rate, self.asked.ramp, self.asked.hold
            )
            try:
                plateau = await self._play(rig, pace)
            except LabError as error:
                if (broken_off := self._broken_off(pace, str(error))) is not None:
                    self.plateaus.append(broken_off)
                    self.listener(broken_off)
                raise
            number += pace.calls
            self.plateaus.append(plateau)
            self.listener(plateau)
            before = max((each.rate for each in self.plateaus if each.held), default=self.asked.lowest / 2)
            if not plateau.held:
                await self._until(time.monotonic() + _SETTLED, rig, lambda: rig.unheard == 0)

    def _next_rate(self) -> float | None:
        tried = [(each.rate, each.held) for each in self.plateaus]
        if self.asked.find:
            return next_rate(self.asked.lowest, self.asked.highest, tried)
        return None if tried else self.asked.lowest

    @property
    def best(self) -> Plateau | None:
        """The plateau of the highest rate that held; where only one was asked for, that one."""
        if not self.asked.find:
            return self.plateaus[0] if self.plateaus else None
        rate = best((each.rate, each.held) for each in self.plateaus)
        return next((each for each in self.plateaus if each.rate == rate and each.held), None)

    async def _play(self, rig: Rig, pace: Pace) -> Plateau:
        self._pace, self._tally, self._recent, self._live, self._began = pace, Tally(), Tally(), None, None
        rig.play(pace)
        await self._until(pace.plateau_begins, rig)
        self._began = clocks = (time.time(), time.monotonic())
        spent, waited, before = rig.spent(), rig.proxy_waited(), machine()
        cut = await self._until(pace.end, rig, lambda: self._hopeless(rig, pace))
        if cut or self.stop.is_set():
            rig.cut(pace.plateau)
        seconds, ended = max(1e-3, time.monotonic() - clocks[1]), time.time()
        processors = {
            name: max((now - then) / seconds for now, then in zip(each, spent[name], strict=True))
            for name, each in rig.spent().items()
        }
        if waited is not None and (waited_then := rig.proxy_waited()) is not None:
            processors["proxy_waited"] = (waited_then - waited) / seconds
        if before is not None and (after := machine()) is not None and after.all > before.all:
            processors["idle"] = (after.idle - before.idle) / (after.all - before.all)
        await self._all_told(rig)
        patience = _PATIENCE_STOPPED if self.stop.is_set() else _PATIENCE
        due = 0 if cut or self.stop.is_set() else pace.calls - pace.ramp_calls
        await self._until(
            time.monotonic() + patience,
            rig,
            lambda: rig.unheard == 0 and rig.placed(pace.plateau) >= due,
            stops=False,
        )
        if not self.asked.find and not self.stop.is_set():  # of a search, those that talk may go on
            await self._until(time.monotonic() + patience, rig, lambda: rig.under_way == 0)
        await self._all_told(rig)
        placed, tally = rig.placed(pace.plateau), self._tally
        self._tally = Tally()  # what comes later counts as not heard
        unheard = max(0, placed - tally.heard - tally.failed[NO_ANSWER])
        limits, unplaced = self.asked.limits, max(0, due - placed)
        return Plateau(
            pace.plateau, pace.rate, placed, unheard, tally, limits, processors, clocks[0], ended, seconds,
            cut=cut, unplaced=unplaced,
        )  # fmt: skip

    def _broken_off(self, pace: Pace, why: str) -> Plateau | None:
        """The plateau under way as far as it came; None in its ramp, which does not count."""
        if self._began is None:
            return None
        began, seconds = self._began[0], max(1e-3, time.monotonic() - self._began[1])
        tally, limits = self._tally, self.asked.limits
        calls = tally.heard + tally.failed[NO_ANSWER]  # nobody knows any more what became of others
        return Plateau(
            pace.plateau, pace.rate, calls, 0, tally, limits, {}, began, began + seconds, seconds, broken=why
        )

    def _hopeless(self, rig: Rig, pace: Pace) -> bool:
        """True of a plateau that cannot hold any more, so that going on would only make a queue longer."""
        live, limits = self._live, self.asked.limits
        if live is None or time.monotonic() < pace.plateau_begins + _ENOUGH:
            return False
        queued = rig.unheard / pace.rate  # seconds of calls
        slow = live.delay is not None and live.delay.p99 > _HOPELESS * limits.p99
        return (slow and queued > limits.p99) or queued > max(1.0, _HOPELESS * limits.p99)

    async def _all_told(self, rig: Rig) -> None:
        """Wait until all generators have told what they know by now."""
        now = time.monotonic()
        rig.ask()
        await self._until(now + _REPORTED, rig, lambda: rig.told >= now, stops=False)

    async def _until(
        self, when: float, rig: Rig, done: Callable[[], bool] = lambda: False, *, stops: bool = True
    ) -> bool:
        """Wait until then, or until it is `done`, which is returned, or `stop` is set; tells what is live meanwhile."""
        while (now := time.monotonic()) < when and not (stops and self.stop.is_set()):
            if rig.broken:
                raise LabError(rig.broken)
            if now >= self._told + _TICK:
                self._tell(rig, now)
            if done():
                return True
            await asyncio.sleep(min(_GLANCE, when - now))
        return False

    def _tell(self, rig: Rig, now: float) -> None:
        recent, self._recent = self._recent, Tally()
        passed, self._told = now - self._told, now
        spent = rig.spent().get("proxy")
        share = (spent[0] - self._spent) / passed if spent is not None and self._spent else None
        self._spent = spent[0] if spent is not None else 0.0
        found = [recent.distribution(name) for name in (FROM_DUE, REFUSAL_FROM_DUE)]
        self._live = Live(
            now,
            self._pace.plateau,
            self._pace.rate,
            rig.placed(self._pace.plateau),
            self._tally.failures,
            rig.under_way,
            recent.heard / passed,
            max((each for each in found if each is not None), key=lambda each: each.p99, default=None),
            recent.distribution("send_lateness"),
            share,
        )
        self.listener(self._live)
