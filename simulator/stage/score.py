"""The score of the session so far: confusion counts, rates with their intervals, by family, and the added delay. Pure.

The delay is not held against a second call past the proxy, which would ring the phone twice: it is the time that INVITE
and 180 of a call spent on their ways through the proxy, from the socket before it to the socket behind, on all legs.
Hops over loopback are in it, so the proxy costs at most this.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

from simulator.judging.accuracy import Confusion
from simulator.judging.latency import Distribution
from simulator.judging.observation import CallObservation

_DELAYS = 2_000  # the latest ones count


class Tally:
    """Counts calls as they end."""

    def __init__(self) -> None:
        self._families: defaultdict[str, Confusion] = defaultdict(Confusion)
        self._figures: dict[str, dict[str, Any]] = {}  # of each family, as they were asked for last
        self._counted: set[str] = set()  # families since then: there may be as many as calls
        self._total = Confusion()
        self.delays: deque[float] = deque(maxlen=_DELAYS)

    def add(self, call: CallObservation, delay: float | None) -> None:
        """Count a call; `delay` is what it spent on its way through the proxy, in seconds, where that is known."""
        one = Confusion.of([call])
        self._total = _sum(self._total, one)
        family = call.planned.family
        self._families[family] = _sum(self._families[family], one)
        self._counted.add(family)
        if delay is not None:
            self.delays.append(delay)

    @property
    def calls(self) -> int:
        """The number of calls that were counted."""
        return self._total.calls

    def to_json(self) -> dict[str, Any]:
        """The figures; delays in seconds."""
        delays = Distribution.of(self.delays)
        self._figures |= {name: _figures(self._families[name]) for name in self._counted}
        self._counted.clear()
        return {
            **_figures(self._total),
            "families": dict(sorted(self._figures.items())),
            "delay": None if delays is None else {"count": delays.count, **delays.figures},
        }


def _sum(one: Confusion, other: Confusion) -> Confusion:
    return Confusion(
        one.scam_blocked + other.scam_blocked,
        one.scam_passed + other.scam_passed,
        one.legit_blocked + other.legit_blocked,
        one.legit_passed + other.legit_passed,
        one.faults + other.faults,
        one.unknown + other.unknown,
    )


def _figures(confusion: Confusion) -> dict[str, Any]:
    return {"calls": confusion.calls, **confusion.figures}
