"""The trade-off among policies: those that no other one beats, and the best of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from simulator.judging.accuracy import Confusion


class Scored(Protocol):
    """A point with a confusion."""

    @property
    def number(self) -> int: ...
    @property
    def confusion(self) -> Confusion: ...


T = TypeVar("T", bound=Scored)


def rates(scored: Scored) -> tuple[float, float] | None:
    """The false-block rate and the recall; None where one of them was not measured."""
    false_blocks, recall = scored.confusion.false_block_rate, scored.confusion.scam_recall
    return None if false_blocks is None or recall is None else (false_blocks.value, recall.value)


def front(given: Iterable[T]) -> list[T]:
    """Those that no other one beats in recall without more false blocks (Pareto), by false blocks; the first of
    equals."""
    measured = [(found, each) for each in given if (found := rates(each)) is not None]
    measured.sort(key=lambda item: (item[0][0], -item[0][1], item[1].number))
    best: list[T] = []
    highest = -1.0
    for (_, recall), each in measured:
        if recall > highest:
            best.append(each)
            highest = recall
    return best


def best(given: Sequence[T], most_false_blocks: float) -> T | None:
    """The one that stops the most scam with at most that false-block rate; None where none has so few."""
    within = [each for each in front(given) if (found := rates(each)) is not None and found[0] <= most_false_blocks]
    return within[-1] if within else None
