"""The folder that a run leaves: manifest.json, events.jsonl, calls.jsonl, metrics.json, histograms.hlog, and what the
proxy wrote.

Events are appended line by line as they happen, so that after a crash the file is complete up to its last line.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, assert_never

from simulator.exit_code import ExitCode, worst
from simulator.judging.figures import Figures, combine
from simulator.judging.histogram import Histogram
from simulator.judging.result import Result
from simulator.results.calls_file import write_calls
from simulator.results.events import (
    CallEnded,
    CallJudged,
    CallPlaced,
    Event,
    MessageSeen,
    PassBegan,
    PassEnded,
    Problem,
    RunBegan,
    RunEnded,
    RunFailed,
    Tick,
)
from simulator.results.histograms import HISTOGRAMS, Histograms, write_histograms
from simulator.results.inputs import INPUTS, link
from simulator.results.manifest import surroundings, timestamp
from simulator.results.messages import Recorded
from simulator.scenario.thresholds import Check

_LATEST = "latest"


class RunFolder:
    """One scenario's folder under `root`, a listener to its run. The constructor makes it and points `latest` at it;
    `about` is what the manifest says of the run beforehand. `since` is when it began, in seconds of `time.monotonic`,
    where that was not now.
    """

    def __init__(self, root: Path, name: str, about: Mapping[str, Any], since: float | None = None) -> None:
        now, at = datetime.now(UTC), time.monotonic()
        began = now if since is None else now - timedelta(seconds=at - since)
        at = at if since is None else since
        self._began = began.timestamp()
        self.path = fresh(root / f"{now:%Y%m%dT%H%M%SZ}-{name}")
        self._before = _latest(root)
        point_latest(root, self.path)
        self._events = (self.path / "events.jsonl").open("a", buffering=1, encoding="utf-8")
        self._manifest = {"state": "running", "started": timestamp(began), "started_at": at, **about, **surroundings()}
        try:
            self.write("manifest.json", self._manifest)
            self.note("started", timestamp=timestamp(began))
        except OSError:
            self.discard()
            raise

    def hear(self, event: Event) -> None:
        """Write down one event; it is on disk when this returns. Raises OSError where there is no room for it."""
        match event:
            case CallPlaced():
                self.note("call_placed", proxied=event.proxied, call=event.call.id)
            case CallEnded():
                self.note(
                    "call_ended",
                    proxied=event.proxied,
                    call=event.call,
                    status=event.saw.status,
                    setup_delay=event.saw.setup_delay,
                )
            case PassBegan():
                self.note("pass_started", proxied=event.proxied, calls=event.calls)
            case PassEnded():
                self.note("pass_ended", proxied=event.proxied, ended=event.ended)
            case Problem():
                self.note("problem", text=event.text)
            case RunEnded():
                self._keep(event.result, event.messages)
            case RunFailed():
                self.finish("failed", reason=event.reason, messages=_numbers(event.messages))
            case RunBegan() | Tick() | CallJudged() | MessageSeen():  # told by other files, or by none
                pass
            case _:
                assert_never(event)

    def discard(self) -> None:
        """Take the folder away again, as if there had been none: it could not be written."""
        with contextlib.suppress(OSError):  # what waits to be written has no room
            self._events.close()
        shutil.rmtree(self.path, ignore_errors=True)
        root = self.path.parent
        if _latest(root) == self.path.name:
            (root / _LATEST).unlink()
            if self._before and (root / self._before).is_dir():
                point_latest(root, root / self._before)

    def note(self, kind: str, **fields: Any) -> None:
        """Append a line to events.jsonl."""
        self._events.write(json.dumps({"event": kind, "timestamp": timestamp(), **fields}) + "\n")

    def write(self, name: str, data: Any) -> None:
        """Write a JSON file whole or not at all."""
        target = self.path / name
        fresh = target.with_name(f".{name}.part")
        fresh.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        fresh.replace(target)

    def write_histograms(self, times: Mapping[str, Histogram]) -> None:
        """Write the times that were measured, by name."""
        write_histograms(self.path / HISTOGRAMS, Histograms(self._began, time.time(), dict(times)))

    def finish(self, state: str, **fields: Any) -> None:
        """Close the folder; `state` is finished, interrupted or failed."""
        self._manifest |= {"state": state, "finished": timestamp(), **fields}
        try:
            self.write("manifest.json", self._manifest)
            self.note(state)
        finally:
            self._events.close()

    def _keep(self, result: Result, messages: Recorded) -> None:
        write_calls(self.path / "calls.jsonl", result)
        self.write("metrics.json", result.figures.metrics)
        self.write_histograms(histograms_of(result.figures))
        self.finish(
            "interrupted" if result.interrupted else "finished",
            exit_code=int(result.exit_code),
            valid=not result.invalid_because,
            invalid_because=result.invalid_because,
            partial=result.partial,
            left_out=result.left_out,
            unfinished=result.unfinished,
            played=len(result.calls),
            duration=result.duration,
            notes=result.notes,
            prevalence=result.figures.prevalence,
            thresholds=[_held(check) for check in result.checks],
            thresholds_not_held=[f"{left.figure} {left.text}" for left in result.not_applied],
            messages=_numbers(messages),
        )


def histograms_of(figures: Figures) -> dict[str, Histogram]:
    """The times of a run as HDR histograms, by name."""
    return {name: Histogram(values) for name, values in figures.times.items() if values}


def _held(check: Check) -> dict[str, Any]:
    """A threshold, what it was held against, and what came of it."""
    threshold = check.threshold
    return {
        "figure": threshold.figure,
        "asked": threshold.text,
        "statistic": threshold.statistic,
        "limit": threshold.limit,
        "value": check.value,
        "met": check.met,
        "undecided": check.undecided,
    }


def _numbers(messages: Recorded) -> dict[str, Any]:
    return {name: value for name, value in asdict(messages).items() if value != ""}


def write_suite(root: Path, results: Sequence[Result], command: Sequence[str]) -> Path:
    """Make the folder of a run of several scenarios: their figures together, and where each has its own."""
    total = combine((result.folder.name, result.figures) for result in results)
    code = worst(result.exit_code for result in results)
    scenarios = [_part(result) for result in results]
    folder = RunFolder(root, "suite", {"command": list(command), "scenarios": scenarios})
    for result in results:
        link(result.folder, folder.path / INPUTS / result.folder.name)
    folder.write("metrics.json", total.metrics)
    folder.write_histograms(histograms_of(total))
    folder.finish(
        "interrupted" if code is ExitCode.INTERRUPTED else "finished",
        exit_code=int(code),
        partial=any(result.partial for result in results),
        left_out=[each for result in results for each in result.left_out],
    )
    return folder.path


def _part(result: Result) -> dict[str, Any]:
    """A scenario as the manifest of its suite tells of it: enough to play it again."""
    path = result.folder / "manifest.json"
    own = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    played = {name: own[name] for name in ("seed", "softswitch", "only", "policy", "pseudonyms") if name in own}
    return {"name": result.name, "folder": result.folder.name, **played}


def fresh(path: Path) -> Path:
    """Make `path`, or `path-2` and so on where a run of the same second has it."""
    for number in range(1, sys.maxsize):
        candidate = path if number == 1 else path.with_name(f"{path.name}-{number}")
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            continue
        return candidate
    raise FileExistsError(path)


def point_latest(root: Path, target: Path) -> None:
    """Swap the `latest` link in one step, so that it never dangles."""
    link = root / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name, target_is_directory=True)
    link.replace(root / _LATEST)


def _latest(root: Path) -> str:
    """The name that `latest` points at; empty where it points at nothing."""
    try:
        return (root / _LATEST).readlink().name
    except OSError:
        return ""
