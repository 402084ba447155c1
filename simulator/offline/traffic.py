"""The calls of a scenario for policies to judge, some thousands at a time, made once for all policies that read numbers
alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from proxy.numbers.numbering import Numbering
from proxy.policy.call import Call
from proxy.policy.trunks import Trunk
from proxy.sip.errors import SipError
from simulator.offline.calls import CallMaker
from simulator.scenario.model import Scenario
from simulator.traffic.plan import in_order
from simulator.traffic.planned_call import PlannedCall

CHUNK = 20_000  # calls


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the traffic, as planned and as made; None for calls that no proxy could read. Of a part of the
    traffic `counts` says which calls are its own: the others are there for what they leave to remember."""

    planned: Sequence[PlannedCall]
    calls: Sequence[tuple[Call, Trunk] | None]
    counts: Sequence[bool] | None = None

    @property
    def size(self) -> int:
        """The number of calls that count."""
        return len(self.calls) if self.counts is None else sum(self.counts)


def begins(scenario: Scenario, now: float) -> float:
    """The moment at which a scenario begins, in epoch seconds: that of its mix, else now."""
    return now if scenario.mix is None else scenario.mix.begins.timestamp()


def stretches(
    scenario: Scenario,
    seed: int,
    numberings: Iterable[Numbering],
    begin: float,
    selected: Callable[[str], bool] = lambda _: True,
) -> Iterator[tuple[Stretch, ...]]:
    """The scenario's calls by time, in stretches, each made once for each of the numberings."""
    pace = 1.0 if scenario.mix is None else scenario.mix.pace
    makers = [CallMaker(scenario, numbering, begin, pace) for numbering in numberings]
    planned = (call for call in in_order(scenario, seed) if selected(f"{scenario.name}/{call.campaign}"))
    while part := list(islice(planned, CHUNK)):
        yield tuple(Stretch(part, [_made(maker, call) for call in part]) for maker in makers)


def _made(maker: CallMaker, planned: PlannedCall) -> tuple[Call, Trunk] | None:
    try:
        return maker.make(planned), maker.trunks[planned.trunk]
    except SipError:
        return None
