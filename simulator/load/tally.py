"""The outcome of a plateau's calls, as counts and histograms, in a size that does not grow with the calls."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from math import isnan

from proxy.sip.errors import REASONS
from simulator.judging.histogram import Histogram
from simulator.judging.latency import Distribution
from simulator.load.rows import (
    AGAIN,
    DUE,
    ERROR,
    HEARD,
    KIND,
    NUMBER,
    RANG,
    RECEIVED,
    SENT,
    STATUS,
    WIDTH,
    Kind,
)
from simulator.traffic.planned_call import PlannedCall

# The times that a load measures, beside the decision's, which the proxy's records have.
FROM_DUE, REFUSAL_FROM_DUE = "setup_delay_from_due", "time_to_refusal_from_due"
TIMES = (FROM_DUE, "setup_delay", REFUSAL_FROM_DUE, "time_to_refusal", "transit_time", "send_lateness")
NO_ANSWER = "no answer"


class Tally:
    """The calls that were `heard` of and that `ended`, why some `failed`, and how many got another answer than the
    scenario expects (`wrong`). `again` counts INVITEs that were sent again."""

    def __init__(self) -> None:
        self.heard = 0
        self.ended = 0
        self.again = 0
        self.wrong = 0
        self.failed: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.times: dict[str, Histogram] = {name: Histogram() for name in TIMES}

    @property
    def failures(self) -> int:
        """Calls that failed."""
        return self.failed.total()

    def add(self, row: Sequence[float], call: PlannedCall) -> None:
        """Count a row of this call."""
        if row[KIND] == Kind.HEARD:
            self._hear(row, call)
        else:
            self._end(row, call)

    def _hear(self, row: Sequence[float], call: PlannedCall) -> None:
        self.heard += 1
        due, sent, heard, times = row[DUE], row[SENT], row[HEARD], self.times
        times["send_lateness"].record(sent - due)
        if not row[RANG] and _why_failed(int(row[STATUS]), call):
            return  # it counts as failed: that came soon is no merit
        refused = not row[RANG] and row[STATUS] >= 300 and call.behaviour != "busy"
        times[REFUSAL_FROM_DUE if refused else FROM_DUE].record(heard - due)
        times["time_to_refusal" if refused else "setup_delay"].record(heard - sent)
        if not isnan(row[RECEIVED]):
            times["transit_time"].record(row[RECEIVED] - sent)

    def _end(self, row: Sequence[float], call: PlannedCall) -> None:
        self.ended += 1
        self.again += int(row[AGAIN])
        status = int(row[STATUS])
        self.statuses[status] += 1
        if row[ERROR]:
            self.failed["BYE without an answer" if status else NO_ANSWER] += 1
        elif why := _why_failed(status, call):
            self.failed[why] += 1
            expected = call.expect is not None and call.expect.status is not None
            self.wrong += expected and not _overloaded(status) and not _gave_up(status, call)

    def distribution(self, name: str) -> Distribution | None:
        """The percentiles of a time; None where there was none."""
        return self.times[name].distribution


def _why_failed(status: int, call: PlannedCall) -> str:
    """The reason why a call with this final status failed; empty where it did not."""
    expected = call.expect.status if call.expect is not None else None
    if status == expected:
        return ""
    if _gave_up(status, call):
        return "no answer before the caller gave up"
    if expected is not None:
        return f"{status} instead of {expected}"
    return f"{status} {REASONS.get(status, '')}".rstrip() if _overloaded(status) else ""


def _gave_up(status: int, call: PlannedCall) -> bool:
    """True where the caller cancelled as nobody answered, which was not planned."""
    return status == 487 and call.cancel_after is None


def _overloaded(status: int) -> bool:
    """True for what a server says that cannot: 408 and 5xx."""
    return status == 408 or 500 <= status < 600


def split(rows: array[float]) -> Iterator[tuple[float, ...]]:
    """The rows, one by one."""
    return (tuple(rows[at : at + WIDTH]) for at in range(0, len(rows), WIDTH))


def number(row: Sequence[float]) -> int:
    """The number of the call that a row is of."""
    return int(row[NUMBER])
