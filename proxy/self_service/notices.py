"""The choice of refused calls that a subscriber is told of: a flood of calls must not become a flood of texts."""

from __future__ import annotations

from collections import OrderedDict

_HOUR = 3600.0  # seconds
_MOST_SUBSCRIBERS = 10_000  # remembered; beyond that those told longest ago are forgotten


class RefusedCallNotices:
    """Tells a subscriber of a caller once an hour, and of at most `per_hour` callers; 0: of none."""

    def __init__(self, per_hour: int) -> None:
        self._per_hour = per_hour
        self._told: OrderedDict[str, list[tuple[str, float]]] = OrderedDict()  # subscriber -> callers, and when

    def due(self, subscriber: str, caller: str, now: float) -> bool:
        """True if it is to be told now, and then counts as told. `now` is in seconds."""
        told = [(who, at) for who, at in self._told.get(subscriber, ()) if abs(now - at) < _HOUR]
        if len(told) >= self._per_hour or any(who == caller for who, _ in told):
            return False
        self._told[subscriber] = [*told, (caller, now)]
        self._told.move_to_end(subscriber)
        if len(self._told) > _MOST_SUBSCRIBERS:
            self._told.popitem(last=False)
        return True
