"""A sweep: every point's policy judges the calls of all scenarios, offline, and what it did is counted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from typing import Any
from zlib import crc32

from proxy.self_service.desk import RULE as ORDERS
from simulator.judging.accuracy import Confusion
from simulator.judging.observation import BLOCKING_ACTIONS, UNWANTED
from simulator.offline.grid import Point
from simulator.offline.traffic import Stretch, begins, stretches
from simulator.offline.verdicts import Data, Deciding
from simulator.scenario.model import Scenario
from simulator.scenario.policies import Variant
from simulator.traffic.lines import inhabited

_KEPT = 200_000  # calls of a scenario that are kept, as they were made; more are made again for some points at a time
_TOGETHER = 16  # points that share calls which are not kept
# Where the confusion counts a call that was stopped; one place on, where it was let through.
_SCAM, _LEGIT, _FAULT, _UNKNOWN = 0, 2, 4, 5


@dataclass(frozen=True, slots=True)
class Row:
    """A point, and the confusion of its policy over the calls of all scenarios."""

    number: int
    parameters: Mapping[str, Any]
    confusion: Confusion


@dataclass(frozen=True, slots=True)
class Part:
    """The calls of some callers: the share `number` of `of` equal ones.

    A call for help, or an order of a subscriber, changes what becomes of later calls of others. Each part judges these
    too, as they are few, and counts its own: so parts add up to the whole, whatever the rules remember.
    """

    number: int = 0
    of: int = 1

    def has(self, caller: str) -> bool:
        """True for a caller whose calls it counts."""
        return crc32(caller.encode()) % self.of == self.number

    def of_stretch(self, stretch: Stretch, deciding: Deciding) -> Stretch:
        """Its own calls of a stretch, and those that leave something to remember."""
        if self.of == 1:
            return stretch
        own = [self.has(call.caller) for call in stretch.planned]
        kept = [mine or deciding.may_remember(call) for mine, call in zip(own, stretch.calls, strict=True)]
        planned, calls = compress(stretch.planned, kept), compress(stretch.calls, kept)
        return Stretch(list(planned), list(calls), list(compress(own, kept)))


WHOLE = Part()


class Sweep:
    """Judges the calls of scenarios, or the `part` of some callers, by one policy after another; those without a mix
    begin `now`, in epoch seconds. `done` is told of how many calls were judged, some thousands at a time."""

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        seed: int | None,
        now: float,
        done: Callable[[int], None] = lambda _: None,
        part: Part = WHOLE,
    ) -> None:
        self._done = done
        self._data = Data()
        self._together = 1  # points that are judged at once
        self._sources = [
            _Source(each, each.seed if seed is None else seed, begins(each, now), part) for each in scenarios
        ]

    def rows(self, points: Collection[Point]) -> Iterator[Row]:
        """A row for each point as soon as it is known: those that share their subscribers come one after the other.

        Raises FileErrors where a scam list is wrong.
        """
        waiting = iter(sorted(points, key=lambda point: (sorted(point.variant.barred.items()), point.number)))
        while some := list(islice(waiting, self._together)):
            counts = [[0] * 6 for _ in some]
            for source in self._sources:
                self._judge(source, some, counts)
            for point, cells in zip(some, counts, strict=True):
                yield Row(point.number, point.parameters, Confusion(*cells))
            self._together = 1 if all(source.is_kept for source in self._sources) else _TOGETHER

    def _judge(self, source: _Source, points: Sequence[Point], counts: Sequence[list[int]]) -> None:
        presets, deciding = [], []
        for point in points:
            scenario = source.under(point.variant)
            presets.append(scenario.preset)
            deciding.append(Deciding(scenario, self._data))
        for made in source.stretches(dict(zip(presets, deciding, strict=True))):
            for name, each, cells in zip(presets, deciding, counts, strict=True):
                _count(made[name], each, cells)
                self._done(made[name].size)


class _Source:
    """A scenario's calls and subscribers, those of the points' policies included."""

    def __init__(self, scenario: Scenario, seed: int, begin: float, part: Part) -> None:
        self._part = part
        self._scenario = inhabited(scenario, seed)
        self._seed = seed
        self._begin = begin
        self._barred: tuple[dict[str, float], Scenario] = ({}, self._scenario)
        self._kept: dict[str, list[Stretch]] = {}
        self.is_kept = False

    def under(self, variant: Variant) -> Scenario:
        """The scenario with a policy; subscribers are the same objects as long as their barring is."""
        if dict(variant.barred) != self._barred[0]:
            self._barred = dict(variant.barred), Variant("", barred=variant.barred).over(self._scenario)
        return variant.unbarred.over(self._barred[1])

    def stretches(self, deciding: Mapping[str, Deciding]) -> Iterator[Mapping[str, Stretch]]:
        """Its calls, made for each of the presets as one that decides by it reads numbers."""
        if all(name in self._kept for name in deciding):
            for kept in zip(*(self._kept[name] for name in deciding), strict=True):
                yield dict(zip(deciding, kept, strict=True))
            return
        keeping: list[dict[str, Stretch]] = []
        calls = 0
        numberings = [each.numbering for each in deciding.values()]
        for whole in stretches(self._scenario, self._seed, numberings, self._begin):
            made = {
                name: self._part.of_stretch(one, each)
                for (name, each), one in zip(deciding.items(), whole, strict=True)
            }
            calls += max(len(each.calls) for each in made.values())
            if calls <= _KEPT:
                keeping.append(made)
            yield made
        self.is_kept = calls <= _KEPT
        if self.is_kept:
            for name in deciding:
                self._kept[name] = [made[name] for made in keeping]


def _count(stretch: Stretch, deciding: Deciding, cells: list[int]) -> None:
    """Add a stretch of calls to the cells of a confusion."""
    blocking, unwanted = BLOCKING_ACTIONS, UNWANTED
    judged = zip(stretch.planned, deciding.verdicts(stretch.calls), strict=True)
    for planned, verdict in judged if stretch.counts is None else compress(judged, stretch.counts):
        if verdict is None:
            cells[_FAULT] += 1
        elif planned.truth == "unknown":
            cells[_UNKNOWN] += 1
        else:
            action = verdict.action
            stopped = action in blocking and (verdict.rule != ORDERS or action == "reject")
            cells[(_SCAM if planned.truth in unwanted else _LEGIT) + (not stopped)] += 1
