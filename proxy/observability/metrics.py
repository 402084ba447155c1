"""Metrics for Prometheus: a listener that counts events, and a collector that looks up the rest when it is asked.

What happens often is counted in plain dicts and lists; the metrics themselves are made for each scrape, in the event
loop: no lock is needed. No label holds a number, a Call-ID, a user or anything else that a peer could choose.
"""

from __future__ import annotations

import platform
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from proxy.core.events import Answered, Ended, Event, Judged, PeerNoticed, Shadowed, Unanswered
from proxy.core.proxy_core import ProxyCore
from proxy.policy.engine import Policy
from proxy.reputation.sources import SourceDown, SourceUp
from proxy.sip.errors import REASONS

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_DECISIONS = (5e-6, 1e-5, 2e-5, 4e-5, 6e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2)  # seconds
_WAITS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_TRANSITS = (5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.5)
# Counters of the core that say why a message went no further.
_DROPPED = {
    "malformed": "malformed",
    "dropped": "unreadable_response",
    "stray_response": "stray_response",
    "unknown_source": "unknown_source",
    "overload": "overload",
    "too_many_connections": "too_many_connections",
    "socket_error": "socket_error",
    "internal_error": "internal_error",
}
_LOST = {"records_lost": "record", "log_lines_lost": "log", "hep_lost": "hep"}
_LOOKUPS = ("asked", "failed", "overload", "unasked")


class DataFile(NamedTuple):
    """A file of data in force. `modified` is when what was read was written, in seconds since 1970, where known;
    `kept`: the file is another by now, which was not taken."""

    name: str
    kind: str
    entries: int
    modified: float | None
    kept: bool


class Looks(NamedTuple):
    """The things to look up when metrics are asked for, beside what the core tells."""

    connections: Callable[[], int]
    datagrams_lost: Callable[[], int]  # by the kernel, whose buffer was full
    files: Callable[[], tuple[DataFile, ...]]
    loaded_at: Callable[[], float]  # seconds since 1970


class Histogram:
    """Observations, counted by `bounds` (the upper ones, included)."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """The cumulative counts, as Prometheus has them."""
        total, found = 0, []
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            total += count
            found.append((str(bound), float(total)))
        return found


class Metrics(Collector):
    """Counts what a core tells. `transits` takes how long messages took, in seconds."""

    hears: ClassVar[frozenset[type[Event]]] = frozenset(
        (Judged, Answered, Unanswered, Ended, Shadowed, PeerNoticed, SourceDown, SourceUp)
    )

    def __init__(self, core: ProxyCore, version: str) -> None:
        self.transits = Histogram(_TRANSITS)
        self.looks: Looks | None = None
        self._core = core
        self._version = version
        self._decisions = Histogram(_DECISIONS)
        self._waits = Histogram(_WAITS)
        self._policy: Policy | None = None
        self._shadows = False  # the policy has rules of which only note is taken
        self._verdicts: defaultdict[tuple[str, ...], int] = defaultdict(int)  # quicker than a Counter
        self._finals: defaultdict[tuple[str, int | None], int] = defaultdict(int)
        self._ended: defaultdict[tuple[str, ...], int] = defaultdict(int)
        self._late: defaultdict[tuple[str, ...], int] = defaultdict(int)
        self._faults: defaultdict[tuple[str, ...], int] = defaultdict(int)
        self._sources: dict[str, bool] = {}  # True for those that answer, of all that ever failed for long
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def __call__(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, Judged):
            self._judged(event)
        elif isinstance(event, Answered):
            self._finals[event.judged.call.method, event.status] += 1
        elif isinstance(event, Unanswered):
            self._finals[event.judged.call.method, event.status] += 1
            self._ended[event.by,] += event.judged.call.method == "INVITE"
        elif isinstance(event, Ended):
            self._ended[event.by,] += 1
        elif isinstance(event, Shadowed):
            self._late[event.step.outcome, event.step.rule] += 1
        elif isinstance(event, PeerNoticed):
            self._faults[event.fault,] += 1
        elif isinstance(event, (SourceDown, SourceUp)):
            self._sources[event.source] = isinstance(event, SourceUp)

    def _judged(self, event: Judged) -> None:
        call, verdict = event.call, event.verdict
        method, trunk = call.method, call.trunk
        self._decisions.observe(event.elapsed)
        if event.waited:
            self._waits.observe(event.waited)
        self._verdicts[method, trunk, verdict.action, verdict.rule, "enforce"] += 1
        if (policy := self._core.policy) is not self._policy:
            self._policy, self._shadows = policy, "shadow" in policy.snapshot.modes.values()
        if self._shadows:
            for rule, mode, outcome, _ in verdict.trace:
                if mode == "shadow" and outcome not in ("no_match", "asked"):  # what is asked comes late
                    self._verdicts[method, trunk, outcome, rule, "shadow"] += 1

    def text(self) -> bytes:
        """All metrics, in the text exposition format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Make the metrics."""
        yield from self._of_calls()
        yield from self._of_messages(self._core.counters)
        yield from self._of_state()
        if self.looks is not None:
            yield from self._looked_up(self.looks)

    def _of_calls(self) -> Iterator[Metric]:
        yield _counter(
            "verdicts",
            "Decisions on calls, texts and transfers; of mode shadow: what a shadowed rule would have done besides",
            ("method", "trunk", "action", "rule", "mode"),
            self._verdicts,
        )
        finals: Counter[tuple[str, ...]] = Counter()
        for (method, status), count in self._finals.items():
            finals[method, _status(status)] += count
        yield _counter("finals", "Final responses to what was decided over", ("method", "status"), finals)
        yield _counter("calls_over", "Calls that are over, by who ended them", ("by",), self._ended)
        yield _gauge("calls", "Answered calls that stand", self._core.calls)
        yield _histogram("decision_seconds", "Time that a decision takes", self._decisions)
        yield _histogram("waited_seconds", "Time that a call waited for a remote source before", self._waits)
        yield _counter(
            "late_shadow_verdicts",
            "What shadowed rules would have done that had to ask first, and so came after the decision",
            ("action", "rule"),
            self._late,
        )
        yield _histogram(
            "transit_seconds", "Time from reading a message to having sent all that it brought about", self.transits
        )

    def _of_messages(self, counters: Mapping[str, int]) -> Iterator[Metric]:
        counters = dict(counters)
        yield _counter("forwarded", "Requests sent on", (), {(): counters.get("forwarded", 0)})
        dropped = {(reason,): counters.get(name, 0) for name, reason in _DROPPED.items()}
        if self.looks is not None:
            dropped["receive_buffer_full",] = self.looks.datagrams_lost()
        yield _counter("drops", "Messages and connections that went no further", ("reason",), dropped)
        own: Counter[tuple[str, ...]] = Counter()
        for name, count in counters.items():
            if name.startswith("answered_"):
                own[_status(int(name.removeprefix("answered_"))),] += count
        yield _counter("own_responses", "Requests that the proxy answered by itself, unjudged", ("status",), own)
        yield _counter("peer_faults", "What peers caused that operators should hear of", ("fault",), self._faults)
        lost = {(kind,): counters.get(name, 0) for name, kind in _LOST.items()}
        yield _counter("lines_lost", "Lines of the logs, and HEP packets, that went nowhere", ("kind",), lost)
        reloads = {("done",): counters.get("reloaded", 0), ("failed",): counters.get("reload_failed", 0)}
        yield _counter("reloads", "Reloads of config, subscribers and lists (SIGHUP)", ("result",), reloads)
        changes = {(to,): counters.get(f"softswitch_{to}", 0) for to in ("up", "down")}
        lookups = {(result,): counters.get(f"reputation_{result}", 0) for result in _LOOKUPS}
        yield _counter(
            "reputation_lookups", "Questions to remote sources, and what did not get that far", ("result",), lookups
        )
        yield _counter("softswitch_changes", "Changes of the softswitch's state, by the new one", ("to",), changes)

    def _of_state(self) -> Iterator[Metric]:
        core = self._core
        info = GaugeMetricFamily("ringfence_build_info", "Version", labels=("version", "python"))
        info.add_metric((self._version, platform.python_version()), 1)
        yield info
        yield _gauge("transactions", "SIP transactions held, finished ones among them", core.transactions)
        yield _gauge("transactions_limit", "As many may be held", core.settings.max_transactions)
        yield _gauge("pending_requests", "Requests that wait for a final response", core.pending)
        up = GaugeMetricFamily("ringfence_reputation_source_up", "1 while a remote source is asked", labels=("source",))
        for source in core.policy.snapshot.sources:
            up.add_metric((source.name,), int(self._sources.get(source.name, True)))
        yield up
        yield _gauge("softswitch_up", "1 while the softswitch is taken to be there", int(core.watch.up))
        state = GaugeMetricFamily("ringfence_worker_state", "1 for the state that the process is in", labels=("state",))
        for name, holds in (("ready", not core.draining), ("draining", core.draining)):
            state.add_metric((name,), int(holds))
        yield state

    @staticmethod
    def _looked_up(looks: Looks) -> Iterator[Metric]:
        yield _gauge("connections", "TCP and TLS connections", looks.connections())
        yield _gauge("loaded_timestamp_seconds", "When subscribers and lists were last read", looks.loaded_at())
        labels = ("file", "kind")
        entries = GaugeMetricFamily("ringfence_entries", "Entries of a file of subscribers or numbers", labels=labels)
        modified = GaugeMetricFamily("ringfence_modified_timestamp_seconds", "When it was written", labels=labels)
        kept = GaugeMetricFamily(
            "ringfence_kept", "1 where the file is another by now, which was not taken", labels=labels
        )
        for file in looks.files():
            where = (file.name, file.kind)
            entries.add_metric(where, file.entries)
            kept.add_metric(where, int(file.kept))
            if file.modified is not None:
                modified.add_metric(where, file.modified)
        yield from (entries, modified, kept)


def _counter(name: str, told: str, labels: tuple[str, ...], values: Mapping[Any, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"ringfence_{name}", told, labels=labels)
    for where, value in values.items():
        family.add_metric(where, value)
    return family


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ringfence_{name}", told, value=value)


def _histogram(name: str, told: str, of: Histogram) -> HistogramMetricFamily:
    return HistogramMetricFamily(f"ringfence_{name}", told, buckets=of.buckets(), sum_value=of.sum)


def _status(status: int | None) -> str:
    """A status as a label: peers may send any, of which those without a name count by their class."""
    if status is None:
        return "none"
    return str(status) if status in REASONS else f"{status // 100}xx"
