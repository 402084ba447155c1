"""The same calls decided offline and played live: how many times as fast, by the CPU that each call takes, and by the
clock at a live rate that is as high as runs stay valid at."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench.figures import Figure, Figures
from tests.plays import ROOT

TIMES = 50.0
CALLS, RATE = int(os.environ.get("OFFLINE_CALLS", "6000")), 400
SCENARIO = f"""\
scenario: much
home: CN
preset: cn
subscribers:
  alice: {{number: "+8613800138001", barring: {{incoming_international: on}}, allow: ["+6591234567"]}}
  bob: {{number: "+8613800138002"}}
calls:
  - {{campaign: cold, trunk: international, from: {{prefix: "+23224", pool: 900}}, to: [alice, bob],
     count: {CALLS // 2}, rate: {RATE // 2}/s, ring: 0.1s, talk: 0.1s, truth: scam}}
  - {{campaign: home, trunk: domestic, from: {{prefix: "+86139", pool: 900, length: 13}}, to: [alice, bob],
     count: {CALLS // 2}, rate: {RATE // 2}/s, ring: 0.1s, talk: 0.1s, truth: legit}}
"""
GRID = """\
sweep: modes
parameters:
  barring.incoming_international: [enforce, shadow, off]
  barred.incoming_international: [0, 0.2, 0.4, 0.6, 0.8, 1]
"""


def ringfence(folder: Path, *command: str) -> tuple[str, float, float]:
    """The output of a command, and the seconds that it took of the clock and of CPU, with all processes that it had."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "simulator", *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    assert ended.returncode in (0, 1, 3)  # the machine may lag, which changes no CPU, ended.stdout + ended.stderr
    return ended.stdout, took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_a_sweep_decides_a_call_in_a_fiftieth_of_what_a_live_run_takes(figures: Figures, tmp_path: Path) -> None:
    (tmp_path / "much.yaml").write_text(SCENARIO)
    (tmp_path / "grid.yaml").write_text(GRID)
    _, took, spent = ringfence(tmp_path, "run", "much.yaml", "--messages", "never")
    said, _, swept = ringfence(tmp_path, "sweep", "grid.yaml", "much.yaml")
    decided, a_second = re.findall(r"([\d,]+) decisions in .* CPU, ([\d,]+) a second", said)[0]
    number, rate = int(decided.replace(",", "")), int(a_second.replace(",", ""))
    assert number == 18 * CALLS
    met = [
        figures.add(Figure("a call live, CPU of all processes", "pure", spent / CALLS * 1e6, None, "us")),
        figures.add(Figure("a decision in a sweep, CPU with start and plan", "pure", swept / number * 1e6, None, "us")),
        figures.add(
            Figure(
                "a sweep beside a live run, CPU", "pure", (spent / CALLS) / (swept / number), TIMES, "times", rises=True
            )
        ),
        figures.add(
            Figure(
                "a sweep beside a live run, calls a second", "pure", rate / (CALLS / took), TIMES, "times", rises=True
            )
        ),
    ]
    assert all(met)
