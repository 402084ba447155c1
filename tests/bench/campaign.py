"""Rounds of all systems by turns, and the medians of them: noise of the machine meets every system alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from tests.bench import harness
from tests.bench.harness import Round
from tests.bench.systems import System

_AGAIN = 3  # times that a round is played before it counts as it is
DELAYS = ("ring_p50", "ring_p99", "setup_p50", "setup_p99")


@dataclass(frozen=True, slots=True)
class Load:
    """So many calls a second for so long, so many times, through each of the systems."""

    name: str
    rate: int
    seconds: float
    rounds: int
    systems: tuple[System, ...]


@dataclass(slots=True)
class Campaign:
    """Plays each load once, when it is first asked for, and keeps its rounds."""

    show: Callable[[str], None] = print
    played: dict[Load, list[Round]] = field(default_factory=dict)

    def rounds(self, load: Load) -> list[Round]:
        """All rounds of a load, in their order. The system that begins changes from round to round."""
        if load not in self.played:
            self.show(f"\n{load.name}\n{harness.HEADINGS}")
            played = self.played[load] = []
            for number in range(load.rounds):
                first = number % len(load.systems)
                order = (*load.systems[first:], *load.systems[:first])
                played.extend(self._round(system, load) for system in order)
        return self.played[load]

    def _round(self, system: System, load: Load) -> Round:
        """One round; another one in its place where SIPp lagged, which says nothing of the system."""
        for _ in range(_AGAIN):
            one = harness.play(system, load.rate, load.seconds)
            self.show(harness.line(one))
            if not one.generator_lagged:
                break
        return one

    def faults(self, load: Load, *systems: str) -> list[str]:
        """The faults that make the rounds of these systems worthless: a call that failed, a load not reached."""
        return [
            f"{one.system}: {one.failed} calls failed, {one.achieved:.0f} of {one.rate} calls/s"
            for one in self.rounds(load)
            if one.system in systems and (one.failed or one.generator_lagged)
        ]

    def median(self, load: Load, system: str, figure: str) -> float:
        """The median over the rounds of one system; `figure` is a field of Round."""
        values: list[float] = [getattr(one, figure) for one in self.rounds(load) if one.system == system]
        return median(values)

    def ratio(self, load: Load, system: str, other: str, figure: str) -> float:
        """One system's median beside another one's."""
        return self.median(load, system, figure) / self.median(load, other, figure)

    def as_json(self) -> dict[str, Any]:
        """Every round, by load."""
        return {load.name: [asdict(one) for one in rounds] for load, rounds in self.played.items()}
