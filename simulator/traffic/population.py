"""The subscribers of a mix. What a line is follows from its place in the population and the seed: none is kept.

Choices are made by a keyed mixing of whole numbers (splitmix64), so that ten million lines cost no memory, and a line
is the same whoever asks for it first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from proxy.policy.profile import Subscriber
from simulator.scenario.mix import Mix, Population, Profile, Range

Integers = NDArray[np.uint64]

_GOLDEN, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = map(np.uint64, (30, 27, 31, 11))
_UNIT = 2.0**-53
_PIECE = 100_000  # lines, or callers of theirs, that are looked at together


def key(seed: int, *names: str) -> int:
    """A key for `chosen`, of the seed and what is chosen."""
    return (seed * 0x1_0000_0001 + crc32("/".join(names).encode())) & 0xFFFF_FFFF_FFFF_FFFF


def chosen(keyed: int, *parts: Integers | int) -> Integers:
    """Numbers of 64 bits that look random, one for each row of `parts`, always the same for the same key and parts."""
    mixed = np.atleast_1d(np.uint64(keyed))
    with np.errstate(over="ignore"):
        for part in (0, *parts):
            mixed = (mixed ^ np.asarray(part, np.uint64)) + _GOLDEN
            mixed = (mixed ^ (mixed >> _30)) * _FIRST
            mixed = (mixed ^ (mixed >> _27)) * _SECOND
            mixed ^= mixed >> _31
    return mixed


def shares(values: Integers) -> NDArray[np.float64]:
    """The same as numbers from 0 to below 1."""
    return (values >> _11).astype(np.float64) * _UNIT


def pick(weights: Sequence[float], values: NDArray[np.float64]) -> NDArray[np.intp]:
    """An index by weight for each of `values`, which are from 0 to below 1."""
    ends = np.cumsum(np.asarray(weights, np.float64))
    return np.searchsorted(ends[:-1] / ends[-1], values, side="right")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers `prefix` and `digits` more."""

    prefix: str
    digits: int

    @classmethod
    def of(cls, given: Range) -> Numbers:
        return cls(given.prefix, given.free_digits)

    def number(self, rest: int) -> str:
        """The number that ends so."""
        return f"{self.prefix}{rest:0{self.digits}}"


@dataclass(frozen=True, slots=True)
class _Part:
    """A population, and the place of its first line among all."""

    name: str
    population: Population
    first: int
    numbers: Numbers


class People:
    """The lines of all populations of a mix, by their place, from 0."""

    def __init__(self, mix: Mix, seed: int) -> None:
        self._seed = seed
        counts = [each.count for each in mix.subscribers.values()]
        self._firsts = [0, *accumulate(counts)][:-1]
        self.parts = [
            _Part(name, population, first, Numbers.of(population.numbers))
            for (name, population), first in zip(mix.subscribers.items(), self._firsts, strict=True)
        ]
        self.lines = sum(counts)
        self._circles = [(name, kind) for name, kind in mix.kinds.items() if kind.on_allow_list]
        self._segments = key(seed, "segment")

    def __iter__(self) -> Iterator[tuple[str, Subscriber]]:
        profiles = [list(part.population.profiles.values()) for part in self.parts]
        piece = max(1, _PIECE // max((kind.pool for _, kind in self._circles), default=1))
        for begin in range(0, self.lines, piece):
            places = np.arange(begin, min(begin + piece, self.lines))
            parts, _ = self.parts_of(places)
            segments = self.segments_of(parts, places)
            allowed = self._allowed(places.astype(np.uint64))
            for index, part, segment, own in zip(
                places.tolist(), parts.tolist(), segments.tolist(), allowed, strict=True
            ):
                yield self.name(index), self._subscriber(index, profiles[part][segment], own)

    def part_of(self, index: int) -> _Part:
        """The population that a line belongs to."""
        return self.parts[bisect_right(self._firsts, index) - 1]

    def parts_of(self, places: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """The population of each line by its place among `parts`, and the line's place in it."""
        firsts = np.array(self._firsts)
        which = np.searchsorted(firsts, places, side="right") - 1
        return which, places - firsts[which]

    def number(self, index: int) -> str:
        """A line's E.164 number."""
        part = self.part_of(index)
        return part.numbers.number(index - part.first)

    def name(self, index: int) -> str:
        """A line's name in the scenario."""
        part = self.part_of(index)
        return f"{part.name}-{index - part.first + 1}"

    def segment(self, index: int) -> str:
        """The name of a line's profile."""
        part = self.part_of(index)
        names = list(part.population.profiles)
        return names[int(self._profiles(part, np.array([index], np.uint64))[0])]

    def segments_of(self, parts: NDArray[np.intp], places: NDArray[np.int64]) -> NDArray[np.intp]:
        """The profiles of lines by their place among those of their population, which `parts` tells."""
        found = np.zeros(len(places), np.intp)
        for which, part in enumerate(self.parts):
            theirs = parts == which
            found[theirs] = self._profiles(part, places[theirs].astype(np.uint64))
        return found

    def line(self, index: int) -> tuple[str, Subscriber]:
        """A line's name and settings; kinds of traffic put some of its own callers on its allow list."""
        profile = self.part_of(index).population.profiles[self.segment(index)]
        (allowed,) = self._allowed(np.array([index], np.uint64))
        return self.name(index), self._subscriber(index, profile, allowed)

    def _subscriber(self, index: int, profile: Profile, allowed: list[str]) -> Subscriber:
        return Subscriber(
            self.number(index),
            roaming=profile.roaming,
            barring=profile.barring,
            allow=(*profile.allow, *allowed),
            block=profile.block,
        )

    def roamers(self) -> NDArray[np.int64]:
        """The places of the lines whose profile roams."""
        found = [np.empty(0, np.int64)]
        for part in self.parts:
            roams = np.array([each.roaming for each in part.population.profiles.values()])
            if roams.any():
                for begin in range(part.first, part.first + part.population.count, 1_000_000):
                    end = min(begin + 1_000_000, part.first + part.population.count)
                    places = np.arange(begin, end, dtype=np.uint64)
                    found.append(places[roams[self._profiles(part, places)]].astype(np.int64))
        return np.concatenate(found)

    def own_callers(self, name: str, callees: Integers, draws: Integers) -> Integers:
        """A number that stands for the caller of each call, one of those that the callee has for a kind of traffic."""
        return chosen(key(self._seed, name, "own"), callees, draws)

    def _allowed(self, places: Integers) -> list[list[str]]:
        """The own callers of each line that stand on its allow list, kind by kind."""
        allowed: list[list[str]] = [[] for _ in places]
        for name, kind in self._circles:
            ranges = kind.from_
            assert isinstance(ranges, tuple)  # noqa: S101  # `Kind.problems` sees to it
            draws = np.tile(np.arange(kind.pool, dtype=np.uint64), len(places))
            callers = self.own_callers(name, np.repeat(places, kind.pool), draws)
            listed = np.flatnonzero(shares(chosen(key(self._seed, name, "allowed"), callers)) < kind.on_allow_list)
            which, rest = in_ranges(ranges, callers[listed])
            numbers = [Numbers.of(each) for each in ranges]
            for place, one, digits in zip((listed // kind.pool).tolist(), which.tolist(), rest.tolist(), strict=True):
                allowed[place].append(numbers[one].number(digits))
        return allowed

    def _profiles(self, part: _Part, places: Integers) -> NDArray[np.intp]:
        weights = [profile.share for profile in part.population.profiles.values()]
        return pick(weights, shares(chosen(self._segments, places)))


def in_ranges(ranges: Sequence[Range], callers: Integers) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The range of each caller, by its place among `ranges`, and the digits that follow its prefix, as a number."""
    which = pick([each.share for each in ranges], shares(callers))
    room = np.array([10**each.free_digits for each in ranges], np.uint64)[which]
    return which, (chosen(0, callers) % room).astype(np.int64)
