"""A sweep: every point's policy judges the calls of all scenarios, offline, and what it did is counted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from proxy.numbers.numbering import Numbering
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


class Sweep:
    """Judges the calls of scenarios by one policy after another; those without a mix begin `now`, in epoch seconds.
    `done` is told of how many calls were judged, some thousands at a time."""

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        seed: int | None,
        now: float,
        done: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._done = done
        self._data = Data()
        self._sources = [_Source(each, each.seed if seed is None else seed, begins(each, now)) for each in scenarios]

    def rows(self, points: Collection[Point]) -> Iterator[Row]:
        """A row for each point as soon as it is known: those that share their subscribers come one after the other.

        Raises FileErrors where a scam list is wrong.
        """
        waiting = iter(sorted(points, key=lambda point: (sorted(point.variant.barred.items()), point.number)))
        together = 1
        while some := list(islice(waiting, together)):
            counts = [[0] * 6 for _ in some]
            for source in self._sources:
                self._judge(source, some, counts)
            for point, cells in zip(some, counts, strict=True):
                yield Row(point.number, point.parameters, Confusion(*cells))
            together = 1 if all(source.is_kept for source in self._sources) else _TOGETHER

    def _judge(self, source: _Source, points: Sequence[Point], counts: Sequence[list[int]]) -> None:
        presets, deciding = [], []
        for point in points:
            scenario = source.under(point.variant)
            presets.append(scenario.preset)
            deciding.append(Deciding(scenario, self._data))
        numberings = {name: each.numbering for name, each in zip(presets, deciding, strict=True)}
        for made in source.stretches(numberings):
            for name, each, cells in zip(presets, deciding, counts, strict=True):
                _count(made[name], each, cells)
                self._done(len(made[name].calls))


class _Source:
    """A scenario's calls and subscribers, those of the points' policies included."""

    def __init__(self, scenario: Scenario, seed: int, begin: float) -> None:
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

    def stretches(self, numberings: Mapping[str, Numbering]) -> Iterator[Mapping[str, Stretch]]:
        """Its calls, made for each of the numberings, which are named by their presets."""
        missing = {name: each for name, each in numberings.items() if name not in self._kept}
        if not missing:
            for made in zip(*(self._kept[name] for name in numberings), strict=True):
                yield dict(zip(numberings, made, strict=True))
            return
        keeping: list[tuple[Stretch, ...]] = []
        calls = 0
        for made in stretches(self._scenario, self._seed, numberings.values(), self._begin):
            calls += len(made[0].calls)
            if calls <= _KEPT:
                keeping.append(made)
            yield dict(zip(numberings, made, strict=True))
        self.is_kept = calls <= _KEPT
        if self.is_kept:
            for place, name in enumerate(numberings):
                self._kept[name] = [made[place] for made in keeping]


def _count(stretch: Stretch, deciding: Deciding, cells: list[int]) -> None:
    """Add a stretch of calls to the cells of a confusion."""
    blocking, unwanted = BLOCKING_ACTIONS, UNWANTED
    for planned, verdict in zip(stretch.planned, deciding.verdicts(stretch.calls), strict=True):
        if verdict is None:
            cells[_FAULT] += 1
        elif planned.truth == "unknown":
            cells[_UNKNOWN] += 1
        else:
            action = verdict.action
            stopped = action in blocking and (verdict.rule != ORDERS or action == "reject")
            cells[(_SCAM if planned.truth in unwanted else _LEGIT) + (not stopped)] += 1
