"""The folder that a run leaves: manifest.json, events.jsonl, calls.jsonl, metrics.json, and what the proxy wrote.

Events are appended line by line as they happen, so that after a crash the file is complete up to its last line.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from simulator.judging.figures import combine
from simulator.judging.result import ExitCode, Result, worst

# The packages whose version may change what a run measures.
_PACKAGES = ("ringfence", "asyncio-dgram", "phonenumbers", "pjsua2-python", "pydantic", "uvloop")


def timestamp(now: datetime | None = None) -> str:
    """The moment in UTC as RFC 3339 writes it, to the microsecond."""
    return (now or datetime.now(UTC)).isoformat(timespec="microseconds").replace("+00:00", "Z")


class RunFolder:
    """One scenario's folder under `root`; the constructor makes it and points `latest` at it."""

    def __init__(self, root: Path, name: str, manifest: Mapping[str, Any]) -> None:
        now = datetime.now(UTC)
        self.path = _fresh(root / f"{now:%Y%m%dT%H%M%SZ}-{name}")
        _point_latest(root, self.path)
        self._events = (self.path / "events.jsonl").open("a", buffering=1, encoding="utf-8")
        self._manifest = {
            "state": "running",
            "started": timestamp(now),
            **manifest,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "versions": versions(),
            **git_commit(),
        }
        self.write("manifest.json", self._manifest)
        self.event("started")

    def event(self, kind: str, **fields: Any) -> None:
        """Append one event; it is on disk when this returns."""
        self._events.write(json.dumps({"event": kind, "timestamp": timestamp(), **fields}) + "\n")

    def write(self, name: str, data: Any) -> None:
        """Write a JSON file whole or not at all."""
        target = self.path / name
        fresh = target.with_name(f".{name}.part")
        fresh.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        fresh.replace(target)

    def write_calls(self, result: Result) -> None:
        """Write calls.jsonl: one line a call with what each side saw and what that adds up to."""
        direct = result.figures.direct
        wrong = {call.id: why for call, why in result.wrong}
        with (self.path / "calls.jsonl").open("w", encoding="utf-8") as file:
            for call in result.calls:
                twin = direct.get(call.id)
                line = asdict(call) | {
                    "outcome": call.outcome,
                    "rightly_judged": call.rightly_judged,
                    "disagreements": call.disagreements,
                    "unmet_expectations": call.unmet_expectations,
                    "wrong": wrong.get(call.id),
                    "direct": asdict(twin) if twin else None,
                }
                file.write(json.dumps(line) + "\n")

    def finish(self, state: str, **fields: Any) -> None:
        """Close the folder; `state` is finished, interrupted or failed."""
        self._manifest |= {"state": state, "finished": timestamp(), **fields}
        self.write("manifest.json", self._manifest)
        self.event(state)
        self._events.close()


def write_suite(root: Path, results: Sequence[Result], command: Sequence[str]) -> Path:
    """Make the folder of a run of several scenarios: their figures together, and where each has its own."""
    total = combine((result.folder.name, result.figures) for result in results)
    code = worst(result.exit_code for result in results)
    scenarios = [{"name": result.name, "folder": result.folder.name} for result in results]
    folder = RunFolder(root, "suite", {"command": list(command), "scenarios": scenarios})
    folder.write("metrics.json", total.metrics)
    folder.finish("interrupted" if code is ExitCode.INTERRUPTED else "finished", exit_code=int(code))
    return folder.path


def file_hashes(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of every file, by the path as given."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@cache
def versions() -> dict[str, str]:
    """The installed versions of the packages that matter to a run."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def git_commit() -> dict[str, str]:
    """The checked-out commit of Ringfence's own sources, where they are a git checkout."""
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"commit": answer.stdout.strip()}


def _fresh(path: Path) -> Path:
    """Make `path`, or `path-2` and so on where a run of the same second has it."""
    for number in range(1, sys.maxsize):
        candidate = path if number == 1 else path.with_name(f"{path.name}-{number}")
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            continue
        return candidate
    raise FileExistsError(path)


def _point_latest(root: Path, target: Path) -> None:
    """Swap the `latest` link in one step, so that it never dangles."""
    link = root / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name, target_is_directory=True)
    link.replace(root / "latest")
