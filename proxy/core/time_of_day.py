"""The time of day as the core knows it: the time that it is given, and what to add to it.

The time that the core is given never jumps, so timers run on it. The time of day does: it is set, or the machine was
suspended meanwhile, when the other clock stands still. Who runs the core says so by `ProxyCore.set_epoch`.
"""

from __future__ import annotations


class TimeOfDay:
    """Add `epoch` to `now`, both in seconds, to have seconds since 1970."""

    __slots__ = ("epoch",)

    def __init__(self, epoch: float = 0.0) -> None:
        self.epoch = epoch
