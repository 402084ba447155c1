"""Mix -> the calls to place, in order of time, a window of the day at a time: ten million calls take no more memory
than a window. Pure: the same mix and seed give the same calls.

Draws are numpy's RandomState, whose streams are frozen for good, one for each kind of traffic and window.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from simulator.agents.orders import DOMAIN
from simulator.scenario.calls import Behaviour
from simulator.scenario.mix import Kind, Mix
from simulator.traffic.planned_call import PlannedCall
from simulator.traffic.population import Numbers, People, chosen, in_ranges, key, pick

_HOUR, _DAY = 3600.0, 86400.0
_WINDOW = 100_000  # calls that a window may have, about
_PIECE = 10_000  # calls that are unpacked at a time
_SHAPE = 2.9  # of the gamma distribution of campaigns' sizes: 95 % are below 2.1 times the mean
_SPREAD = {"ring": 0.5, "talk": 0.9, "gives_up": 0.35}  # sigma of the logarithm
_SHORTEST = 0.05  # seconds that a phone rings, however fast the pace
_NEIGHBOURS = 10_000  # numbers that begin as the callee's: the last four digits differ

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class _Calls(NamedTuple):
    """Columns of calls: kind, seconds from the beginning of the mix, callee's place, caller by range and last digits.

    `outcome` is by place among the kind's outcomes; the times are in seconds; `is_text` marks texts.
    """

    stream: Places
    start: Floats
    callee: Places
    numbers: Places
    rest: Places
    outcome: Places
    ring: Floats
    talk: Floats
    gives_up: Floats
    via: Places
    is_text: NDArray[np.bool_]

    def where(self, chosen_rows: NDArray[np.bool_] | NDArray[np.intp]) -> _Calls:
        return _Calls._make(column[chosen_rows] for column in self)


def mixed_calls(mix: Mix, seed: int, people: People | None = None) -> Iterator[PlannedCall]:
    """The calls and texts of a mix, by starting time."""
    people = people or People(mix, seed)
    streams = [_Stream(place, name, kind, mix, seed, people) for place, (name, kind) in enumerate(mix.kinds.items())]
    counts = [0] * len(streams)
    waiting: list[_Calls] = []
    for begin, end in _windows(mix, people.lines):
        rows = _joined([*waiting, *(stream.window(begin, end) for stream in streams)])
        is_later = rows.start >= end
        waiting = [rows.where(is_later)]
        rows = rows.where(~is_later)
        yield from _planned(rows.where(np.lexsort((rows.stream, rows.start))), streams, counts, mix.pace, people)


def _windows(mix: Mix, lines: int) -> Iterator[tuple[float, float]]:
    """Beginnings and ends of the windows, in seconds: parts of hours that are short where there is much traffic."""
    begin = 0.0
    hours = [_hour_of_day(mix, _HOUR * hour) for hour in range(ceil(mix.lasts / _HOUR))]
    for number, hour in enumerate(hours):
        calls = sum(kind.calls_per_line * lines * kind.hours[hour] / sum(kind.hours) for kind in mix.kinds.values())
        parts = max(1, ceil(calls / _WINDOW))
        for part in range(parts):
            end = min(mix.lasts, _HOUR * (number + (part + 1) / parts))
            if end > begin:
                yield begin, end
            begin = end


def _hour_of_day(mix: Mix, seconds: float) -> int:
    begins = mix.begins
    return int((begins.hour + begins.minute / 60 + seconds / _HOUR) % 24)


class _Stream:
    """A kind of traffic as it comes, window by window."""

    def __init__(self, place: int, name: str, kind: Kind, mix: Mix, seed: int, people: People) -> None:
        self.name, self.kind, self._place, self._mix, self._people = name, kind, place, mix, people
        self._key = key(seed, name)
        self._lines = people.lines
        own = [part.numbers for part in people.parts]
        self.numbers = [Numbers.of(each) for each in kind.from_] if isinstance(kind.from_, tuple) else own
        self._roamers = people.roamers() if kind.from_ == "roamers" else np.empty(0, np.int64)
        self._counts = np.array([part.population.count for part in people.parts])
        self._rooms = np.array([10**part.numbers.digits for part in people.parts])
        self.outcomes: list[Behaviour] = list((kind.outcomes or {}).keys())
        if kind.gives_up is not None:
            self.outcomes = ["cancel" if each == "ring_only" else each for each in self.outcomes]

    def window(self, begin: float, end: float) -> _Calls:
        """The calls that begin, and all calls of the campaigns that begin, in these seconds of the mix."""
        kind = self.kind
        random = RandomState([self._key & 0xFFFF_FFFF, self._key >> 32, int(begin * 1000) & 0xFFFF_FFFF])
        share = kind.hours[_hour_of_day(self._mix, begin)] / sum(kind.hours) * (end - begin) / _HOUR
        mean = kind.calls_per_line * self._lines * share
        if kind.from_ == "roamers" and not len(self._roamers):
            mean = 0.0
        if kind.campaign is None:
            count = random.poisson(mean)
            start = random.uniform(begin, end, count)
            campaign = np.zeros(count, np.int64)
            callee = random.randint(0, self._lines, count)
        else:
            start, campaign, callee = self._campaigns(random, mean, begin, end)
            count = len(start)
        numbers, rest = self._callers(random, campaign, callee)
        rows = _Calls(
            np.full(count, self._place),
            start,
            callee,
            numbers,
            rest,
            pick(list((kind.outcomes or {}).values()), random.random_sample(count)).astype(np.int64),
            self._times(random, "ring", kind.ring, count),
            self._times(random, "talk", kind.talk, count),
            self._times(random, "gives_up", kind.gives_up, count),
            self._via(random, count),
            np.zeros(count, np.bool_),
        )
        if kind.text is None:
            return rows
        texts = rows._replace(is_text=np.ones(count, np.bool_), via=np.full(count, -1))
        return _joined([texts, rows._replace(start=rows.start + kind.text.before)])

    def _campaigns(self, random: RandomState, mean: float, begin: float, end: float) -> tuple[Floats, Places, Places]:
        """Starts, campaigns and callees of the calls of all campaigns that begin in a window."""
        campaign = self.kind.campaign
        assert campaign is not None  # noqa: S101
        many = random.poisson(mean / campaign.calls)
        sizes = np.maximum(1, np.rint(random.gamma(_SHAPE, campaign.calls / _SHAPE, many))).astype(np.int64)
        begins, targets = random.uniform(begin, end, many), random.randint(0, self._lines, many)
        # Numbered by when they begin, so that no two of a mix are alike.
        of = np.repeat(np.arange(many) + int(begin * 1000) * 1_000_003, sizes)
        nth = np.arange(len(of)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        start = np.repeat(begins, sizes)
        if self.kind.to == "in_sequence":
            return (
                start + nth * np.repeat(campaign.lasts / sizes, sizes),
                of,
                (np.repeat(targets, sizes) + nth) % self._lines,
            )
        start = start + random.uniform(0, campaign.lasts, len(of))
        if self.kind.to == "one":
            return start, of, np.repeat(targets, sizes)
        return start, of, random.randint(0, self._lines, len(of))

    def _callers(self, random: RandomState, campaign: Places, callee: Places) -> tuple[Places, Places]:
        """Callers by place among `numbers`, and the digits that follow, as a number."""
        kind, count = self.kind, len(callee)
        if kind.pool_per == "call":
            drawn = chosen(self._key, random.randint(0, 2**62, count).astype(np.uint64))
        else:
            draws = random.randint(0, kind.pool, count).astype(np.uint64)
            if kind.pool_per == "callee":
                drawn = self._people.own_callers(self.name, callee.astype(np.uint64), draws)
            else:
                drawn = chosen(self._key, campaign.astype(np.uint64), draws)
        if isinstance(kind.from_, tuple):
            which, rest = in_ranges(kind.from_, drawn)
            return which.astype(np.int64), rest
        if kind.from_ in ("subscribers", "roamers"):
            if kind.from_ == "roamers":
                caller = self._roamers[random.randint(0, max(1, len(self._roamers)), count)]
            else:
                caller = (drawn % np.uint64(self._lines)).astype(np.int64)
                caller = np.where(caller == callee, (caller + 1) % self._lines, caller)
            return self._people.parts_of(caller)
        part, own = self._people.parts_of(callee)
        if kind.from_ == "neighbours":
            room = np.minimum(self._rooms, _NEIGHBOURS)[part]
            rest = own // room * room + (drawn % room.astype(np.uint64)).astype(np.int64)
            return part, np.where(rest == own, rest // room * room + (rest + 1) % room, rest)
        taken, room = self._counts[part], self._rooms[part]
        return part, taken + (drawn % (room - taken).astype(np.uint64)).astype(np.int64)

    def _times(self, random: RandomState, what: str, median: float | None, count: int) -> Floats:
        if median is None:
            return np.zeros(count)
        times: Floats = median * np.exp(_SPREAD[what] * random.standard_normal(count))
        return times

    def _via(self, random: RandomState, count: int) -> Places:
        """The place of the subscriber who forwarded each call, -1 where nobody did."""
        if not self.kind.forwarded_share:
            return np.full(count, -1)
        is_forwarded = random.random_sample(count) < self.kind.forwarded_share
        return np.where(is_forwarded, random.randint(0, self._lines, count), -1)


def _joined(parts: list[_Calls]) -> _Calls:
    return _Calls._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _planned(
    rows: _Calls, streams: list[_Stream], counts: list[int], pace: float, people: People
) -> Iterator[PlannedCall]:
    """Spell rows out as calls; `counts` are those so far of each kind."""
    own = [
        (part.name, part.numbers.prefix, part.numbers.digits, list(part.population.profiles)) for part in people.parts
    ]
    for begin in range(0, len(rows.start), _PIECE):
        piece = rows.where(np.arange(begin, min(begin + _PIECE, len(rows.start))))
        part, nth = people.parts_of(piece.callee)
        rings = np.round(np.maximum(_SHORTEST, piece.ring / pace), 6)
        starts, talks, cancels = (np.round(each / pace, 6) for each in (piece.start, piece.talk, piece.gives_up))
        segments = people.segments_of(part, piece.callee)
        columns = (
            *(piece.stream, starts, part, nth, segments, piece.numbers, piece.rest, piece.outcome, rings),
            *(talks, cancels, piece.via, piece.is_text),
        )
        for place, start, home, line, segment, numbers, rest, outcome, ring, talk, gives_up, via, is_text in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            stream = streams[place]
            counts[place] = number = counts[place] + 1
            name, kind, (people_name, prefix, digits, profiles) = stream.name, stream.kind, own[home]
            behaviour: Behaviour = stream.outcomes[outcome]
            yield PlannedCall(
                f"{name}.{number}",
                name,
                name,
                kind.trunk,
                stream.numbers[numbers].number(rest),
                None,
                f"{prefix}{line:0{digits}}",
                f"{people_name}-{line + 1}",
                start,
                0.0 if is_text else ring,
                None if is_text else talk,
                "answer" if is_text else behaviour,
                None if is_text else gives_up if behaviour == "cancel" else ring if behaviour == "ring_only" else None,
                "wire",
                kind.truth,
                None,
                kind.display_name,
                () if via < 0 else (("Diversion", f"<sip:{people.number(via)}@{DOMAIN}>;reason=unconditional"),),
                "MESSAGE" if is_text else "INVITE",
                kind.text.body if is_text and kind.text else None,
                segment=profiles[segment],
            )
