"""The rows of numbers in which generators tell of their calls: they take no time to write, and little to read.

A call has a row once its caller has heard something (ringing, or the final answer), and one once it has ended.
"""

from __future__ import annotations

from array import array
from enum import IntEnum
from math import nan

from simulator.agents.orders import OutgoingCall

WIDTH = 11
NUMBER, PLATEAU, KIND, DUE, SENT, HEARD, RANG, STATUS, AGAIN, RECEIVED, ERROR = range(WIDTH)
Rows = array  # of doubles, WIDTH to a row


class Kind(IntEnum):
    """The occasion of a row."""

    HEARD = 0
    ENDED = 1


def heard(number: int, plateau: int, due: float, call: OutgoingCall, received: float | None) -> tuple[float, ...]:
    """The row of a call whose caller has heard ringing or a final answer. `received` is when it came to the far end."""
    rang = call.ringing is not None
    moment = call.ringing if rang else call.final
    return _row(number, plateau, Kind.HEARD, due, call, moment, received)


def ended(number: int, plateau: int, due: float, call: OutgoingCall) -> tuple[float, ...]:
    """The row of a call to which nothing more will happen."""
    return _row(number, plateau, Kind.ENDED, due, call, call.final, None)


def _row(
    number: int, plateau: int, kind: Kind, due: float, call: OutgoingCall, moment: float | None, received: float | None
) -> tuple[float, ...]:
    return (
        number,
        plateau,
        kind,
        due,
        nan if call.sent is None else call.sent,
        nan if moment is None else moment,
        call.ringing is not None,
        call.status or 0,
        call.retransmissions,
        nan if received is None else received,
        call.error is not None,
    )
