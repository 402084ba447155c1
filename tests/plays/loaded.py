"""Loads for tests: calls of a plan, the rows that generators tell of them, and plateaus."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any

from simulator.agents.orders import Order, OutgoingCall
from simulator.load.plateau import Limits, Plateau
from simulator.load.rows import ended, heard
from simulator.load.tally import Tally, split
from simulator.scenario.calls import Expect
from simulator.traffic.planned_call import PlannedCall
from tests.plays.planned import planned

LIMITS = Limits(p99=0.1, failures=0.001)


def plan(**changes: Any) -> PlannedCall:
    """A planned call that gets through."""
    call = planned(trunk="domestic", caller="+8613900139001", callee="+8613800138001", callee_name="alice")
    return replace(call, **changes)


def expecting(status: int) -> PlannedCall:
    """A call of which the scenario expects this status."""
    return plan(expect=Expect(status=status))


def rows(
    number: int = 0,
    *,
    due: float = 10.0,
    late: float = 0.0,
    rang: float | None = 0.02,
    final: float | None = 0.03,
    status: int | None = 200,
    error: str | None = None,
    plateau: int = 0,
    transit: float | None = 0.005,
    again: int = 0,
) -> array[float]:
    """The rows of a call that left `late`, and rang and was answered so many seconds after that."""
    call = OutgoingCall(Order("c", "+1", "+2"), sent=due + late, status=status, error=error, retransmissions=again)
    call.ringing = None if rang is None else due + late + rang
    call.final = None if final is None else due + late + final
    told = array("d")
    if call.ringing is not None or call.final is not None:
        told.extend(heard(number, plateau, due, call, None if transit is None else due + late + transit))
    told.extend(ended(number, plateau, due, call))
    return told


def counted(*told: array[float], call: PlannedCall | None = None) -> Tally:
    """The tally of these rows."""
    tally = Tally()
    for each in told:
        for row in split(each):
            tally.add(row, call or plan())
    return tally


def plateau(
    rate: float = 100.0,
    *,
    rang: float = 0.02,
    late: float = 0.0,
    calls: int = 100,
    failing: int = 0,
    unheard: int = 0,
    cut: bool = False,
    wrong: int = 0,
    number: int = 0,
    processors: dict[str, float] | None = None,
) -> Plateau:
    """A plateau on which callers heard ringing after so many seconds; some got 503, or heard nothing."""
    good = calls - failing - unheard
    told = [rows(each, rang=rang, late=late) for each in range(good)]
    told += [rows(each, rang=None, status=503) for each in range(failing)]
    tally = counted(*told)
    tally.wrong = wrong
    shares = {"proxy": 0.5, "far_end": 0.2, "generators": 0.2, "idle": 0.4} if processors is None else processors
    return Plateau(number, rate, calls, unheard, tally, LIMITS, shares, 1_000_000.0, 1_000_010.0, 10.0, cut=cut)
