"""All figures of a set of played calls, as objects and as one flat table. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from simulator.judging.accuracy import Accuracy, Estimate, Rate, at_prevalence, measure_accuracy
from simulator.judging.curves import Curve, curves
from simulator.judging.evidence import CallerSaw
from simulator.judging.latency import TIMES, Distribution, Latency, added_delays
from simulator.judging.observation import CallObservation, Outcome
from simulator.judging.shadow import Shadowed, shadowed


@dataclass(frozen=True)
class Figures:
    """`direct` holds what callers saw in the pass without the proxy, by the id of the call it repeats.

    `prevalence` is the share of unwanted calls among those of real life, where the scenario says it.
    """

    calls: tuple[CallObservation, ...]
    direct: Mapping[str, CallerSaw]
    prevalence: float | None = None

    @cached_property
    def accuracy(self) -> Accuracy:
        """Confusion counts, whole, by rule, family and segment."""
        return measure_accuracy(self.calls)

    @property
    def precision_at_prevalence(self) -> Estimate | None:
        """Of the blocked calls, those that would be scam in real life; None where the scenario does not say how many
        calls are, or where a rate was not measured."""
        total = self.accuracy.total
        if self.prevalence is None or total.scam_recall is None or total.false_block_rate is None:
            return None
        return at_prevalence(total.scam_recall, total.false_block_rate, self.prevalence)

    @cached_property
    def shadow(self) -> dict[str, Shadowed]:
        """The rules in shadow mode, and what would have become of calls had they been enforced."""
        return shadowed(self.calls)

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """Precision against recall of the rules that score callers, by kind of score."""
        return curves(self.calls)

    @cached_property
    def times(self) -> dict[str, array[float]]:
        """The times that were measured, in seconds, by their names in TIMES."""
        passed = {call.id: call.caller_saw for call in self.calls if call.outcome is Outcome.PASSED and call.timed}
        found: dict[str, Iterable[float | None]] = {
            **added_delays(passed, self.direct),
            "time_to_refusal": [call.time_to_refusal for call in self.calls],
            "transit_time": [call.transit_time for call in self.calls],
            "decision_time": [call.decision_time for call in self.calls],
            "send_lateness": [saw.lateness for saw in self._all_seen()],
        }
        return {name: array("d", [each for each in found[name] if each is not None]) for name in TIMES}

    def _all_seen(self) -> Iterator[CallerSaw]:
        yield from (call.caller_saw for call in self.calls)
        yield from self.direct.values()

    @cached_property
    def distributions(self) -> dict[str, Distribution]:
        """The percentiles of each time that was measured."""
        found = {name: Distribution.of(values) for name, values in self.times.items()}
        return {name: each for name, each in found.items() if each is not None}

    @property
    def latency(self) -> Latency:
        """Setup delay of the calls that the proxy let through, beside the direct pass."""
        return Latency(*map(self.distributions.get, ("setup_delay", "direct_setup_delay", "added_setup_delay")))

    @property
    def lateness(self) -> Distribution | None:
        """The lateness of the generator's INVITEs, in seconds, both passes together."""
        return self.distributions.get("send_lateness")

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every measured figure by name; delays in seconds. What was not measured is not in it."""
        total = self.accuracy.total
        flat: dict[str, float] = {"calls": total.calls}
        flat |= {f"calls.{name}": count for name, count in total.counts.items()}
        rates: dict[str, Rate | Estimate] = {**total.rates}
        if (estimate := self.precision_at_prevalence) is not None:
            rates["precision_at_prevalence"] = estimate
        for name, rate in rates.items():
            flat |= {name: rate.value, f"{name}.lower95": rate.lower95, f"{name}.upper95": rate.upper95}
        measured = self.accuracy
        splits = (("rule", measured.by_rule), ("family", measured.by_family), ("segment", measured.by_segment))
        for kind, rows in splits:
            for row, confusion in rows.items():
                flat |= {f"{kind}.{row}.{name}": count for name, count in confusion.counts.items()}
        for rule, found in self.shadow.items():
            flat |= {f"shadow.{rule}.{name}": count for name, count in found.counts.items()}
            flat |= {f"shadow.{rule}.{name}": count for name, count in found.enforced.counts.items()}
            for name, rate in found.enforced.rates.items():
                flat |= {f"shadow.{rule}.{name}": rate.value}
                flat |= {f"shadow.{rule}.{name}.{end}": getattr(rate, end) for end in ("lower95", "upper95")}
        for kind, curve in self.curves.items():
            flat |= curve.named(kind)
        for name, distribution in self.distributions.items():
            flat |= distribution.named(name)
        if self.calls:
            flat["retransmissions"] = sum(call.caller_saw.retransmissions or 0 for call in self.calls)
        if self.direct:
            flat["direct_retransmissions"] = sum(saw.retransmissions or 0 for saw in self.direct.values())
        return flat


def combine(parts: Iterable[tuple[str, Figures]]) -> Figures:
    """The figures of several named scenarios worked out anew over all their calls."""
    parts = tuple(parts)
    return Figures(
        tuple(
            replace(call, planned=replace(call.planned, id=f"{name}/{call.id}"))
            for name, figures in parts
            for call in figures.calls
        ),
        {f"{name}/{call}": saw for name, figures in parts for call, saw in figures.direct.items()},
        _common([figures.prevalence for _, figures in parts]),
    )


def _common(values: list[float | None]) -> float | None:
    """The value that all have, None where they differ."""
    return values[0] if len(set(values)) == 1 else None
