"""Open pages and the proxy: thirty of them, at 50 calls a second, are not to slow it by more than a tenth.

Rounds with pages and without take turns on one stage, so that what else the machine does meets both. The delay is the
time that INVITE and 180 of a call spend on their ways through the proxy, from the sending before it to the kernel's
time of arrival behind it. The p99 of a round rests on four calls, so there are many rounds, and what is judged is the
median of the rounds' ratios, as with the other p99s of the benchmarks; that of all rounds together is told beside it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.judging.latency import percentile
from tests.bench.figures import Figure, Figures
from tests.plays.stage import StagePlay, standing_stage

PAGES, RATE = 30, 50.0
ROUNDS = int(os.environ.get("STAGE_ROUNDS", "24"))  # of each sort
SECONDS = float(os.environ.get("STAGE_SECONDS", "8"))  # of a round: with less the p99 rests on ten calls
SETTLES = 1.0  # seconds that a round takes to be like the rest


@contextmanager
def pages(stage: StagePlay, count: int) -> Iterator[None]:
    """So many pages are open meanwhile; each is held to have heard of every call."""
    if not count:
        yield
        return
    command = [sys.executable, "-m", "tests.bench.pages", str(stage.port), str(count)]
    reading = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert reading.stdout is not None
    assert reading.stdout.readline() == "open\n"
    yield
    said, _ = reading.communicate("")
    assert reading.returncode == 0
    assert int(said) > RATE * SECONDS  # events: several for each call


def round_of(stage: StagePlay, count: int) -> tuple[list[float], float]:
    """The delays of a round with so many pages, in seconds, and the CPU that the proxy took for a call."""
    pid = stage.stage.standing.lab.proxy.pid
    with pages(stage, count):
        time.sleep(SETTLES)
        stage.stage.tally.delays.clear()
        before, calls = _cpu(pid), stage.stage.tally.calls
        time.sleep(SECONDS)
        used, counted = _cpu(pid) - before, stage.stage.tally.calls - calls
        delays = list(stage.stage.tally.delays)
    return delays, used / counted


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.bench
@pytest.mark.timeout(1200)
def test_thirty_pages_do_not_slow_the_proxy(tmp_path: Path, figures: Figures) -> None:
    found: dict[int, list[tuple[list[float], float]]] = {0: [], PAGES: []}
    with standing_stage(tmp_path) as stage:
        stage.post("/api/traffic", scenario=None, rate=RATE)
        for number in range(ROUNDS):
            for count in (0, PAGES) if number % 2 else (PAGES, 0):
                found[count].append(round_of(stage, count))
        stage.post("/api/traffic", stop=True)
        assert stage.get("/api/state")["score"]["faults"] == 0

    def share(count: int, percent: float) -> float:
        return percentile(sorted(delay for delays, _ in found[count] for delay in delays), percent)

    def of_rounds(count: int) -> list[float]:
        return [percentile(sorted(delays), 99) for delays, _ in found[count]]

    cpu = {count: statistics.median(each for _, each in rounds) for count, rounds in found.items()}
    ratio = statistics.median(there / without for there, without in zip(of_rounds(PAGES), of_rounds(0), strict=True))
    figures.add(Figure("stage: p50 in the proxy, no page", "pure", share(0, 50) * 1e3, None, "ms"))
    figures.add(Figure(f"stage: p50 in the proxy, {PAGES} pages", "pure", share(PAGES, 50) * 1e3, None, "ms"))
    figures.add(Figure("stage: p99 in the proxy, no page", "pure", share(0, 99) * 1e3, None, "ms"))
    figures.add(Figure(f"stage: p99 in the proxy, {PAGES} pages", "pure", share(PAGES, 99) * 1e3, None, "ms"))
    figures.add(
        Figure(f"stage: p99 of all rounds, {PAGES} pages / none", "pure", share(PAGES, 99) / share(0, 99), None)
    )
    figures.add(Figure(f"stage: proxy's CPU a call, {PAGES} pages / none", "pure", cpu[PAGES] / cpu[0], None))
    assert figures.add(Figure(f"stage: p99, {PAGES} pages / none", "pure", ratio, 1.1))
