"""The moments at which calls are due: a ramp from one rate to another, then a plateau. Pure.

Calls are due at these moments whether those before them were answered or not. A load that waits for answers would ask
less of a slow proxy than of a quick one, and its percentiles would leave out the time in which nothing was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt


@dataclass(frozen=True, slots=True)
class Pace:
    """A ramp of `ramp` seconds from rate to rate (calls a second), then a plateau of `hold` seconds, evenly spaced.

    `begin` is in seconds of the monotonic clock; calls are numbered from 0, `number` is that of the first in the run.
    """

    plateau: int
    number: int
    begin: float
    from_rate: float
    rate: float
    ramp: float
    hold: float

    @property
    def ramp_calls(self) -> int:
        """Calls that are due before the plateau."""
        return ceil((self.from_rate + self.rate) / 2 * self.ramp - 1e-9)

    @property
    def calls(self) -> int:
        """All calls, those of the ramp included."""
        return ceil((self.from_rate + self.rate) / 2 * self.ramp + self.rate * self.hold - 1e-9)

    @property
    def plateau_begins(self) -> float:
        """The end of the ramp."""
        return self.begin + self.ramp

    @property
    def end(self) -> float:
        """The end of the plateau."""
        return self.begin + self.ramp + self.hold

    def due(self, index: int) -> float:
        """The moment at which the call of this index, from 0, is due."""
        on_ramp = (self.from_rate + self.rate) / 2 * self.ramp
        if index >= on_ramp:
            return self.begin + self.ramp + (index - on_ramp) / self.rate
        slope = (self.rate - self.from_rate) / self.ramp
        if abs(slope) < 1e-9:
            return self.begin + index / self.rate
        return self.begin + (sqrt(self.from_rate**2 + 2 * slope * index) - self.from_rate) / slope
