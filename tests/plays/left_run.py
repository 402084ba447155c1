"""Runs that left a folder, to be reported on afterwards."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from simulator.judging import result
from simulator.judging.result import Result
from simulator.play.jobs import jobs
from simulator.play.runner import Settings
from simulator.play.session import Session
from simulator.results.messages import Mode
from simulator.scenario.model import load_scenarios
from tests.plays.proxy_templates import forked_proxies

HOSTILE = "</script><img src=http://127.0.0.1:9/x onerror=alert(1)>{{ 7*7 }}"

# One call is expected wrongly, ten of twenty couriers are stopped, and ten scam calls prove too little.
HARD_DAY = f"""\
scenario: hard-day
home: CN
preset: cn
seed: 7
prevalence: 0.01
subscribers:
  alice: {{number: "+8613800138001", barring: {{incoming_international: on}}, allow: ["+6591234567"]}}
  bob: {{number: "+8613800138002"}}
calls:
  - campaign: cold-calls
    trunk: international
    from: {{prefix: "+23224", pool: 10}}
    to: [alice]
    count: 10
    rate: 50/s
    truth: scam
  - campaign: couriers
    trunk: international
    from: {{prefix: "+23225", pool: 10}}
    to: [alice, bob]
    count: 20
    rate: 50/s
    truth: legit
  - call: daughter-in-singapore
    trunk: international
    from: "+6591234567"
    to: alice
    truth: legit
    display_name: '{HOSTILE}'
    headers: ["Subject: {HOSTILE}"]
    expect: {{action: reject, status: 603}}
  - call: busy-friend
    trunk: domestic
    from: "+8613900139001"
    to: bob
    answer: busy
    truth: legit
thresholds:
  scam_recall: [">= 0.95 lower95"]
  false_block_rate: ["<= 0.02"]
  precision: [">= 0.1"]
"""


def leave_run(folder: Path, *texts: str, messages: Mode = "all") -> list[Result]:
    """Play scenarios, with these messages recorded, into folders under `folder`/runs."""
    paths = []
    for place, text in enumerate(texts):
        path = folder / f"scenario-{place}.yaml"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    with pytest.MonkeyPatch.context() as patch, forked_proxies() as forks:
        patch.setattr(result, "LATENESS_BOUND", 60.0)  # valid also on a machine that lags
        session = Session(folder / "runs", (), Settings(messages=messages, forks=forks))
        with ThreadPoolExecutor(1) as beside_the_browser:  # which has an event loop of its own in this thread
            return beside_the_browser.submit(asyncio.run, session.play(list(jobs(load_scenarios(paths))))).result()


def call(name: str, at: float, **changes: Any) -> dict[str, Any]:
    """A line of calls.jsonl, of a call that left at `at`, in seconds, and was let through."""
    saw = {
        "due": at,
        "sent": at,
        "ringing": at + 0.01,
        "final": at + 0.02,
        "status": 200,
        "retransmissions": 0,
        "error": None,
    }
    record = {"action": "allow", "status": None, "rule": "default.allow", "detail": "", "final": 200, "elapsed_us": 9}
    told: dict[str, Any] = {"id": name, "name": name.partition(".")[0], "family": "f", "segment": "", "truth": "legit"}
    told |= {"trunk": "t", "caller": "+1", "callee": "+2", "agent": "wire", "expected": None, "caller_saw": saw}
    told |= {"phone_saw": {"invites": 1, "status": 200, "error": None}, "proxy_wrote": record, "outcome": "passed"}
    told |= {"method": "INVITE", "call_id": "", "wrong": None, "rightly_judged": True, "disagreements": []}
    told |= {"failed": False, "direct": saw | {"ringing": at + 0.004}}
    return told | changes


def left(folder: Path, *calls: dict[str, Any], **manifest: Any) -> Path:
    """A folder as a run leaves it that played these calls."""
    folder.mkdir(parents=True, exist_ok=True)
    events = [
        {"event": "started", "timestamp": "2026-03-02T08:00:00.000000Z"},
        {"event": "pass_started", "timestamp": "2026-03-02T08:00:01.000000Z", "proxied": True, "calls": len(calls)},
        *(
            {
                "event": "call_placed",
                "timestamp": f"2026-03-02T08:00:0{2 + place}.000000Z",
                "proxied": True,
                "call": told["id"],
            }
            for place, told in enumerate(calls[:3])
        ),
        {"event": "problem", "timestamp": "2026-03-02T08:00:09.000000Z", "text": "the proxy dropped 3 datagrams"},
        {"event": "pass_ended", "timestamp": "2026-03-02T08:00:10.000000Z", "proxied": True, "ended": len(calls)},
    ]
    told = {"scenario": "s", "started": "2026-03-02T08:00:00Z", "state": "finished", "exit_code": 0} | manifest
    (folder / "manifest.json").write_text(json.dumps(told))
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events) + '{"event": "cut')
    (folder / "calls.jsonl").write_text("".join(json.dumps(each) + "\n" for each in calls))
    (folder / "metrics.json").write_text(json.dumps({"calls": len(calls), "calls.legit_passed": len(calls)}))
    return folder
