"""The folder of a run."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path

from simulator.judging.evidence import CallerSaw
from simulator.results.events import CallEnded, RunEnded
from simulator.results.messages import Recorded
from simulator.results.run_folder import RunFolder
from tests.plays.played import GOOD


def test_a_run_folder_holds_manifest_events_calls_and_figures(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "wangiri", {"seed": 7})
    assert json.loads((folder.path / "manifest.json").read_text())["state"] == "running"
    folder.hear(CallEnded(12.5, "d1", True, CallerSaw(12.0, 12.0, 12.25, 12.5, 200)))
    lines = (folder.path / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events] == ["started", "call_ended"]
    assert all(event["timestamp"].endswith("Z") for event in events)
    assert (events[1]["call"], events[1]["status"], events[1]["setup_delay"]) == ("d1", 200, 0.25)
    folder.hear(RunEnded(13.0, GOOD, Recorded("failed", dropped=9)))
    manifest = json.loads((folder.path / "manifest.json").read_text())
    assert (manifest["state"], manifest["seed"], manifest["exit_code"]) == ("finished", 7, 0)
    assert manifest["messages"] == {"mode": "failed", "kept": 0, "dropped": 9, "lost": 0}
    assert manifest["versions"]["ringfence"]
    assert manifest["started"].endswith("Z")
    scam, daughter = (json.loads(line) for line in (folder.path / "calls.jsonl").read_text().splitlines())
    assert (scam["id"], scam["outcome"], scam["direct"]) == ("w1", "blocked", None)
    assert (daughter["outcome"], daughter["direct"]["ringing"]) == ("passed", 5.25)
    assert json.loads((folder.path / "metrics.json").read_text())["calls"] == 2


def test_runs_of_one_second_get_folders_of_their_own_and_latest_is_the_newest(tmp_path: Path) -> None:
    folders = [RunFolder(tmp_path, "twice", {}) for _ in range(3)]
    for folder in folders:
        folder.finish("finished")
    assert len({folder.path for folder in folders}) == 3
    assert (tmp_path / "latest").resolve() == folders[-1].path.resolve()


def test_a_folder_that_is_made_later_tells_when_the_run_began(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "stage", {}, time.monotonic() - 3600)
    folder.finish("finished")
    manifest = json.loads((folder.path / "manifest.json").read_text())
    began, ended = (datetime.fromisoformat(manifest[name]) for name in ("started", "finished"))
    assert 3599 < (ended - began).total_seconds() < 3700
    first = json.loads((folder.path / "events.jsonl").read_text().splitlines()[0])
    assert first["timestamp"] == manifest["started"]
