"""All figures of a set of played calls, as objects and as one flat table. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from simulator.judging.accuracy import Accuracy, Estimate, Rate, at_prevalence, measure_accuracy
from simulator.judging.evidence import CallerSaw
from simulator.judging.latency import Distribution, Latency, measure_latency
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
    def latency(self) -> Latency:
        """Setup delay of the calls that the proxy let through, beside the direct pass."""
        passed = {call.id: call.caller_saw for call in self.calls if call.outcome is Outcome.PASSED and call.timed}
        return measure_latency(passed, self.direct)

    @cached_property
    def lateness(self) -> Distribution | None:
        """The lateness of the generator's INVITEs, in seconds, both passes together."""
        seen = [call.caller_saw for call in self.calls] + list(self.direct.values())
        return Distribution.of(late for saw in seen if (late := saw.lateness) is not None)

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
        delays = {
            "setup_delay": self.latency.proxied,
            "direct_setup_delay": self.latency.direct,
            "added_setup_delay": self.latency.added,
            "send_lateness": self.lateness,
        }
        for name, distribution in delays.items():
            if distribution is not None:
                flat[f"{name}.count"] = distribution.count
                flat |= {f"{name}.{figure}": value for figure, value in distribution.figures.items()}
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
