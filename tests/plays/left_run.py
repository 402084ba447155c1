"""Runs that left a folder, to be reported on afterwards."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from simulator.judging import result
from simulator.judging.result import Result
from simulator.play.jobs import jobs
from simulator.play.runner import Settings
from simulator.play.session import Session
from simulator.scenario.model import load_scenarios

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


def leave_run(folder: Path, *texts: str) -> list[Result]:
    """Play scenarios, with all messages recorded, into folders under `folder`/runs."""
    paths = []
    for place, text in enumerate(texts):
        path = folder / f"scenario-{place}.yaml"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(result, "LATENESS_BOUND", 60.0)  # valid also on a machine that lags
        session = Session(folder / "runs", (), Settings(messages="all"))
        with ThreadPoolExecutor(1) as beside_the_browser:  # which has an event loop of its own in this thread
            return beside_the_browser.submit(asyncio.run, session.play(list(jobs(load_scenarios(paths))))).result()
