"""The figures of metrics.json as the page shows them: rates with intervals, counts by rule, family and segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simulator.report.html.reading import CELLS

_RATES = (
    ("scam_recall", "Scam calls stopped", ("scam_blocked",), ("scam_blocked", "scam_passed"), True),
    (
        "false_block_rate",
        "Legitimate calls wrongly stopped",
        ("legit_blocked",),
        ("legit_blocked", "legit_passed"),
        False,
    ),
    ("precision", "Stopped calls that were scam", ("scam_blocked",), ("scam_blocked", "legit_blocked"), True),
)
_DELAYS = {
    "setup_delay_from_due": "Ringing, from when the call was due",
    "setup_delay": "Ringing, with the proxy",
    "direct_setup_delay": "Ringing, straight to the softswitch",
    "added_setup_delay": "Added by the proxy, call by call",
    "time_to_refusal_from_due": "Refusal, from when the call was due",
    "time_to_refusal": "Refusal",
    "transit_time": "INVITE from caller to softswitch",
    "decision_time": "The decision in it",
    "send_lateness": "Lateness of the call generator",
}
_LATENESS = "send_lateness"
PERCENTILES = ("p50", "p95", "p99", "p99.9", "max")


@dataclass(frozen=True, slots=True)
class Share:
    """A rate with its 95 % interval; `counted` tells of how many. `more_is_better` of scam stopped, say."""

    name: str
    title: str
    value: float
    lower: float
    upper: float
    counted: str
    more_is_better: bool

    @property
    def digits(self) -> int:
        """Decimals of a percentage that tell the ends of the interval apart."""
        ends = (self.lower * 100, self.upper * 100)
        return next((digits for digits in range(1, 6) if len({f"{end:.{digits}f}" for end in ends}) > 1), 6)

    @property
    def shown(self) -> str:
        """The value in percent."""
        return f"{self.value * 100:.{self.digits}f} %"

    @property
    def interval(self) -> str:
        """The interval in percent."""
        return f"{self.lower * 100:.{self.digits}f} to {self.upper * 100:.{self.digits}f} %"


def shares(metrics: Mapping[str, float], prevalence: str = "") -> Iterator[Share]:
    """The rates that were measured."""
    for name, title, hits, of, more_is_better in _RATES:
        if name in metrics:
            of_all = f"{_sum(metrics, hits):,} of {_sum(metrics, of):,}"
            yield _share(metrics, name, title, of_all, more_is_better=more_is_better)
    if (name := "precision_at_prevalence") in metrics:
        yield _share(metrics, name, f"The same {prevalence}", "worked out of both rates", more_is_better=True)


def _share(metrics: Mapping[str, float], name: str, title: str, counted: str, *, more_is_better: bool) -> Share:
    lower, upper = metrics[f"{name}.lower95"], metrics[f"{name}.upper95"]
    return Share(name, title, metrics[name], lower, upper, counted, more_is_better)


def _sum(metrics: Mapping[str, float], cells: tuple[str, ...]) -> int:
    return sum(cell(metrics, name) for name in cells)


def cell(metrics: Mapping[str, float], name: str) -> int:
    """A count of the confusion matrix."""
    return int(metrics.get(f"calls.{name}", 0))


def split(metrics: Mapping[str, float], kind: str) -> dict[str, dict[str, int]]:
    """The counts by rule, family or segment, in the order of their names."""
    rows: dict[str, dict[str, int]] = {}
    for key, value in metrics.items():
        name, _, cell_name = key.removeprefix(f"{kind}.").rpartition(".")
        if key.startswith(f"{kind}.") and cell_name in CELLS:
            rows.setdefault(name, dict.fromkeys(CELLS, 0))[cell_name] = int(value)
    return rows


@dataclass(frozen=True, slots=True)
class Shadow:
    """A rule in shadow mode: calls that it matched, that it would have stopped beside the others, and the rates had it
    been enforced."""

    name: str
    matched: int
    asked: int
    stop_scam: int
    stop_legit: int
    shares: tuple[Share, ...]


def shadows(metrics: Mapping[str, float]) -> Iterator[Shadow]:
    """The rules in shadow mode, in the order of their names, then all of them together."""
    names = [key.removeprefix("shadow.").removesuffix(".asked") for key in metrics if key.endswith(".asked")]
    for name in names:
        own = {
            key.removeprefix(f"shadow.{name}."): value
            for key, value in metrics.items()
            if key.startswith(f"shadow.{name}.")
        }
        cells = {f"calls.{cell_name}": own.get(cell_name, 0.0) for cell_name in CELLS}
        yield Shadow(
            "all of them" if name == "all" else name,
            int(own["matched"]),
            int(own["asked"]),
            int(own["would_stop_scam"] - own["would_pass_scam"]),
            int(own["would_stop_legit"] - own["would_pass_legit"]),
            tuple(shares({**own, **cells})),
        )


@dataclass(frozen=True, slots=True)
class Delay:
    """Percentiles in milliseconds, as texts."""

    title: str
    count: int
    percentiles: tuple[str, ...]


def delays(metrics: Mapping[str, float]) -> Iterator[Delay]:
    """The delays that were measured."""
    measured = [name for key in metrics if (name := key.removesuffix(".p99.9")) != key]
    for name in sorted(measured, key=lambda name: (name == _LATENESS, [*_DELAYS, name].index(name))):
        shown = tuple(f"{metrics[f'{name}.{each}'] * 1e3:.2f}" for each in PERCENTILES)
        yield Delay(_DELAYS.get(name) or name.replace("_", " ").capitalize(), int(metrics[f"{name}.count"]), shown)
