"""Callers of emergency numbers, remembered a while: control rooms call back, by other lines too (RFC 7090 section 3).

An emergency call comes without credentials. Where phones prove who they are it is put down to the subscriber who proved
it last from the same address and port, as phones do when they register; else to nobody, or whoever wanted to get past
a subscriber's barring would call the police in their name.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import TypeVar

from proxy.sip.flow import Flow

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_MOST = 65_536  # subscribers, and phones, that are remembered


class EmergencyCalls:
    """A memory of emergency calls that the policy may ask (`policy.memory`); what is oldest goes first. `assumed` is
    when whoever is not remembered is taken to have called, in epoch seconds."""

    def __init__(self, most: int = _MOST, assumed: float | None = None) -> None:
        self._most = most
        self._assumed = assumed
        self._set_by = 0.0  # seconds by which the time of day was set since the beginning
        self._called: OrderedDict[str, float] = OrderedDict()  # by the clock of the beginning
        self._proved: OrderedDict[tuple[str, str, int], str] = OrderedDict()

    def note_proof(self, flow: Flow, number: str) -> None:
        """The subscriber of that number proved to be at the other end of a flow."""
        _put(self._proved, flow[:3], number, self._most)

    def at(self, flow: Flow) -> str | None:
        """The number of the subscriber who last proved to be there."""
        return self._proved.get(flow[:3])

    def note(self, number: str, at: float) -> None:
        """A subscriber called or texted an emergency number, at an epoch time."""
        _put(self._called, number, at - self._set_by, self._most)

    def clock_was_set(self, seconds: float) -> None:
        """The time of day was set by so many seconds: nobody called longer ago for that, or less long."""
        self._set_by += seconds

    def last_emergency(self, number: str, /) -> float | None:
        """The moment of the last one, in epoch seconds; None where nobody remembers."""
        called = self._called.get(number)
        return self._assumed if called is None else called + self._set_by


def _put(held: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    held.pop(key, None)
    held[key] = value
    if len(held) > most:
        held.popitem(last=False)
