"""Reads a run's folder for the page: its figures, a row of every call, and what happened when.

Lines are read one at a time and kept in columns: a run of 100,000 calls needs some 60 MB.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isnan, nan
from pathlib import Path
from typing import Any

from proxy.self_service.desk import RULE as SELF_SERVICE
from simulator.judging.histogram import Histogram
from simulator.judging.observation import UNWANTED, Outcome
from simulator.results.histograms import HISTOGRAMS, read_histograms
from simulator.results.run_reader import lines_of, manifest_of, metrics_of, parts_of, value_of

CELLS = ("scam_blocked", "scam_passed", "legit_blocked", "legit_passed", "faults", "unknown")
WORDS = (
    *("scenario", "name", "family", "segment", "truth", "method", "trunk", "caller", "callee"),
    *("outcome", "action", "rule", "why"),
)
_ENDED, _PLACED = b'{"event": "call_ended"', b'{"event": "call_placed"'  # nearly all events are
_PASSES = 2


class Words:
    """A column of texts, each kept once."""

    def __init__(self) -> None:
        self.values: list[str] = []  # in the order of their numbers
        self.codes = array("L")
        self._places: dict[str, int] = {}

    def append(self, word: str) -> None:
        """Add a row."""
        place = self._places.setdefault(word, len(self.values))
        if place == len(self.values):
            self.values.append(word)
        self.codes.append(place)

    def __getitem__(self, row: int) -> str:
        return self.values[self.codes[row]]

    def __iter__(self) -> Iterator[str]:
        return map(self.values.__getitem__, self.codes)


@dataclass(eq=False)
class Calls:
    """All calls of a run, in columns. Times are in seconds, nan where there is none.

    `at` is when a call left, from the beginning of its scenario; `setup` and `direct` are delays until the caller hears
    ringing, of the calls that count for them.
    """

    words: dict[str, Words] = field(default_factory=lambda: {name: Words() for name in WORDS})
    ids: list[str] = field(default_factory=list)
    status: array[int] = field(default_factory=lambda: array("h"))
    at: array[float] = field(default_factory=lambda: array("d"))
    setup: array[float] = field(default_factory=lambda: array("d"))
    direct: array[float] = field(default_factory=lambda: array("d"))
    wrong: int = 0
    right: bytearray = field(default_factory=bytearray)
    failed: bytearray = field(default_factory=bytearray)

    def __len__(self) -> int:
        return len(self.ids)

    def counts(self) -> dict[str, int]:
        """The calls by truth and outcome, counted anew."""
        found: Counter[str] = Counter()
        for truth, outcome in zip(self.words["truth"], self.words["outcome"], strict=True):
            if outcome == Outcome.FAULT or truth == "unknown":
                found["faults" if outcome == Outcome.FAULT else "unknown"] += 1
            else:
                found[f"{'scam' if truth in UNWANTED else 'legit'}_{outcome}"] += 1
        return {name: found[name] for name in CELLS}


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened in a scenario, in seconds from its beginning."""

    at: float
    kind: str
    text: str


@dataclass(eq=False)
class Played:
    """A scenario of the run; `manifest` and `metrics` as in its folder, its calls are rows `first` to `last`."""

    folder: Path
    manifest: dict[str, Any]
    metrics: Mapping[str, float]
    moments: list[Moment]
    first: int = 0
    last: int = 0

    @property
    def name(self) -> str:
        """The scenario's name."""
        return str(self.manifest.get("scenario") or self.folder.name)


@dataclass(eq=False)
class Run:
    """A run: one scenario, or the several that one command played."""

    folder: Path
    manifest: dict[str, Any]
    metrics: Mapping[str, float]
    times: dict[str, Histogram]
    scenarios: list[Played]
    calls: Calls

    @property
    def title(self) -> str:
        """The name of its scenario, or how many it has."""
        return self.scenarios[0].name if len(self.scenarios) == 1 else f"{len(self.scenarios)} scenarios"


def read_run(folder: Path) -> Run:
    """Read a run's folder. Raises FileErrors where it is none."""
    manifest = manifest_of(folder)
    calls = Calls()
    scenarios = [_played(part, calls) for part in parts_of(folder)]
    return Run(folder, manifest, _figures(folder), _times(folder), scenarios, calls)


def _played(folder: Path, calls: Calls) -> Played:
    manifest = manifest_of(folder, "started")
    moments, placed = _moments(folder)
    played = Played(folder, manifest, _figures(folder), moments, len(calls))
    _add_calls(folder / "calls.jsonl", played.name, calls, placed)
    played.last = len(calls)
    return played


def _figures(folder: Path) -> Mapping[str, float]:
    return metrics_of(folder) if (folder / "metrics.json").exists() else {}


def _times(folder: Path) -> dict[str, Histogram]:
    return read_histograms(folder).times if (folder / HISTOGRAMS).exists() else {}


def _moments(folder: Path) -> tuple[list[Moment], Mapping[bool, tuple[str, float]]]:
    """All that happened but for calls, and the first call that was placed in either pass, with its time."""
    moments: list[Moment] = []
    placed: dict[bool, tuple[str, float]] = {}
    began: datetime | None = None
    for event in _events(folder / "events.jsonl", placed):
        time = datetime.fromisoformat(event["timestamp"])
        began = began or time
        at = (time - began).total_seconds()
        if event["event"] == "call_placed":
            placed.setdefault(event["proxied"], (event["call"], at))
        elif event["event"] != "call_ended":
            moments.append(Moment(at, _kind(event), event.get("text", "")))
    return moments, placed


def _events(path: Path, placed: Collection[bool]) -> Iterator[dict[str, Any]]:
    """The events that are not about calls, but for the first calls, until both passes have `placed` one."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.startswith(_ENDED) or (len(placed) == _PASSES and line.startswith(_PLACED)):
                continue
            if line.endswith(b"\n"):  # the last one may be cut off
                yield value_of(path, number, line)


def _kind(event: Mapping[str, Any]) -> str:
    if "proxied" not in event:
        return str(event["event"])
    return f"{event['event']}{'' if event['proxied'] else '_direct'}"


def _add_calls(path: Path, scenario: str, calls: Calls, placed: Mapping[bool, tuple[str, float]]) -> None:
    """Add the rows of one scenario. Its first call that left sets the clock: both tell when that was."""
    lines = list(_lines(path)) if path.exists() and path.stat().st_size < 1 << 20 else _lines(path)
    first, first_at = placed.get(True, ("", 0.0))
    offset: float | None = None
    begin = len(calls)
    for call in lines:
        sent = call["caller_saw"]["sent"]
        if call["id"] == first and sent is not None:
            offset = first_at - sent
        _add(calls, scenario, call)
    if offset is None:
        known = [at for at in calls.at[begin:] if not isnan(at)]
        offset = -min(known, default=0.0)
    for row in range(begin, len(calls)):
        calls.at[row] += offset


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        yield from lines_of(path)


def _add(calls: Calls, scenario: str, call: Mapping[str, Any]) -> None:
    saw, wrote = call["caller_saw"], call["proxy_wrote"] or {}
    action, rule = wrote.get("action") or "", wrote.get("rule") or ""
    values = {name: call.get(name) or "" for name in ("name", "family", "segment", "truth", "method", "trunk")}
    values |= {"caller": call["caller"], "callee": call["callee"], "outcome": call["outcome"]}
    values |= {"scenario": scenario, "action": action, "rule": rule, "why": why(call)}
    for name in WORDS:
        calls.words[name].append(values[name])
    calls.ids.append(call["id"])
    calls.status.append(saw["status"] or 0)
    sent = saw["sent"]
    calls.at.append(nan if sent is None else sent)
    served = rule == SELF_SERVICE and action != "reject"
    timed = call["outcome"] == "passed" and call["method"] == "INVITE" and call["agent"] == "wire" and not served
    calls.setup.append(_delay(saw) if timed else nan)
    calls.direct.append(_delay(call["direct"]) if call["direct"] else nan)
    calls.wrong += call["wrong"] is not None
    calls.right.append(bool(call["rightly_judged"]))
    calls.failed.append(has_failed(call))


def has_failed(call: Mapping[str, Any]) -> bool:
    """True of a call with a wrong verdict, behind a missed threshold, or with a fault of the lab."""
    return bool(call.get("failed") or call["wrong"] or call["disagreements"])


def why(call: Mapping[str, Any]) -> str:
    """The reason why a call failed, in words; nothing where it did not."""
    if call["disagreements"]:
        return "; ".join(call["disagreements"])
    if call["wrong"]:
        return str(call["wrong"])
    return f"a {call['truth']} call was {call['outcome']}" if has_failed(call) else ""


def _delay(saw: Mapping[str, Any]) -> float:
    """INVITE sent until the first 18x, or until the final answer where nothing rang."""
    heard = saw["final"] if saw["ringing"] is None else saw["ringing"]
    return nan if saw["sent"] is None or heard is None else heard - saw["sent"]
