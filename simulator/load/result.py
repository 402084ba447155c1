"""A load as it was driven: the rate that was found, validity, exit code. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.exit_code import ExitCode
from simulator.judging.histogram import Histogram
from simulator.load.drive import Asked
from simulator.load.plateau import Plateau
from simulator.softswitch.kinds import Kind


@dataclass(frozen=True)
class LoadResult:
    """The plateaus of a load; `best` is that of the rate that was found, or the only one that was asked for.

    `switch` is the softswitch that was behind the proxy, None where the load's own far end was in its place.
    `decisions` are the proxy's own decision times meanwhile. `problems` are reasons why the figures must not be used.
    """

    name: str
    source: Path
    folder: Path
    asked: Asked
    processes: int
    plateaus: tuple[Plateau, ...]
    best: Plateau | None
    decisions: Histogram = field(default_factory=Histogram)
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    interrupted: bool = False
    switch: Kind | None = None

    @property
    def above(self) -> Plateau | None:
        """The plateau of the least rate above the best that did not hold; None where there is none."""
        rate = self.best.rate if self.best is not None else 0.0
        missed = [each for each in self.plateaus if not each.held and each.rate > rate]
        return min(missed, key=lambda each: each.rate, default=None) if self.asked.find else None

    @property
    def invalid_because(self) -> tuple[str, ...]:
        """The reasons why the figures must not be used: limits were missed, and not by the proxy's doing."""
        shown = self.shown
        spoilt = shown.itself if shown is not None and not shown.held and not shown.tally.wrong else ()
        return (*self.problems, *spoilt)

    @property
    def told(self) -> tuple[str, ...]:
        """Notes that are worth knowing about the rate that was found."""
        found = list(self.notes)
        if self.best is not None and self.best.held:
            found += [f"{why}; so the times are not all of the proxy's making" for why in self.best.itself]
        if self.best is not None and self.above is not None and self.above.itself:
            why = "; ".join(self.above.itself)
            found.append(f"the proxy may carry more: at {self.above.rate:g} calls/s the load measured itself ({why})")
        return tuple(found)

    @property
    def times(self) -> Mapping[str, Histogram]:
        """The times of the best plateau, by name; of the first where none held."""
        shown = self.shown
        times = {} if shown is None else {name: each for name, each in shown.tally.times.items() if each.count}
        return times | ({"decision_time": self.decisions} if self.decisions.count else {})

    @property
    def shown(self) -> Plateau | None:
        """The plateau that the figures are of."""
        return self.best or (self.plateaus[0] if self.plateaus else None)

    @property
    def metrics(self) -> dict[str, float]:
        """The figures of that plateau; `load.highest_rate` is what was searched for, where one held."""
        flat = {} if self.shown is None else self.shown.metrics
        if self.asked.find and self.best is not None:
            flat = {"load.highest_rate": self.best.rate, **flat}
        if (decision := self.decisions.distribution) is not None:
            flat |= decision.named("decision_time")
        return flat

    @property
    def exit_code(self) -> ExitCode:
        """Interrupted, invalid, a wrong verdict, a limit missed, or as expected: the first that holds."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.invalid_because or not self.plateaus:
            return ExitCode.ENVIRONMENT
        if any(each.tally.wrong for each in self.plateaus if each.held) or (self.shown and self.shown.tally.wrong):
            return ExitCode.WRONG_VERDICT
        return ExitCode.AS_EXPECTED if self.best is not None and self.best.held else ExitCode.THRESHOLD_MISSED
