"""The time of one decision, decisions offline in a second, and the memory of their data: ten million listed numbers and
a million subscribers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from proxy.subscribers.directory import Directory
from tests.bench.decisions import made_subscriber
from tests.bench.figures import Figure, Figures
from tests.bench.systems import COMPILED, HERE, PURE, System, compiled_is_there

BUILDS = [COMPILED, PURE] if compiled_is_there() else [PURE]
P99_US = {"compiled": 25.0, "pure": 40.0}
A_SECOND = {"compiled": 150_000.0, "pure": 60_000.0}
MAX_BYTES_AN_ENTRY, MAX_BYTES_A_SUBSCRIBER = 24.0, 400.0
OF_EACH_BUILD = pytest.mark.parametrize("system", BUILDS, ids=lambda system: system.name)


@cache
def measured(system: System, *sizes: int) -> Any:
    """The figures of decisions.py, by the interpreter of a system."""
    interpreter = os.path.abspath(os.environ.get("BENCH_COMPILED", "")) if system is COMPILED else sys.executable  # noqa: PTH100 - a link is the environment
    uncovered = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    found = subprocess.run(  # without coverage.py, whose memory would be measured too
        [interpreter, str(HERE / "decisions.py"), *map(str, sizes)],
        cwd="/",
        env={**uncovered, **system.environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures = json.loads(found.stdout)
    assert figures["core"].endswith(".so") == (system is COMPILED)
    return figures


@pytest.mark.bench
@pytest.mark.timeout(1800)
@OF_EACH_BUILD
def test_a_decision_on_two_new_numbers_takes_microseconds(figures: Figures, system: System) -> None:
    met = [
        figures.add(Figure(f"one decision, {kind}, p99", system.name, times["p99"], P99_US[system.name], "us"))
        for kind, times in measured(system)["microseconds"].items()
    ]
    assert all(met)


@pytest.mark.bench
@pytest.mark.timeout(1800)
@OF_EACH_BUILD
def test_calls_are_decided_offline_by_the_hundred_thousand(figures: Figures, system: System) -> None:
    met = [
        figures.add(
            Figure(
                f"decisions offline, {kind}", system.name, rate, A_SECOND[system.name], "a second of CPU", rises=True
            )
        )
        for kind, rate in measured(system)["a_second"].items()
    ]
    for kind, rate in measured(system)["a_second_new"].items():
        figures.add(Figure(f"  with all numbers new, {kind}", system.name, rate, None, "a second of CPU"))
    assert all(met)


@pytest.mark.bench
@pytest.mark.timeout(1800)
@OF_EACH_BUILD
def test_the_data_fits_in_memory(figures: Figures, system: System) -> None:
    found = measured(system)
    entry = Figure("memory of a listed number", system.name, found["bytes_an_entry"], MAX_BYTES_AN_ENTRY, "bytes")
    one = Figure("memory of a subscriber", system.name, found["bytes_a_subscriber"], MAX_BYTES_A_SUBSCRIBER, "bytes")
    assert all([figures.add(entry), figures.add(one)])


def test_decisions_are_measured_on_little_data_too() -> None:
    found = measured(PURE, 20_000, 1_000, 20)
    assert len(found["microseconds"]) == 8
    assert all(0 < times["p50"] <= times["p99"] for times in found["microseconds"].values())
    assert all(rate > 0 for rates in (found["a_second"], found["a_second_new"]) for rate in rates.values())


def test_the_memory_of_data_is_what_its_arrays_take_and_no_more() -> None:
    found = measured(PURE, 20_000, 1_000, 20)
    assert found["bytes_an_entry"] == pytest.approx(22, abs=0.5)  # a key of 8, a parent of 4, attributes of 10
    tables = Directory(map(made_subscriber, range(1_000))).tables.values()
    rows = sum(each.nbytes for each in tables) / 1_000
    assert rows <= found["bytes_a_subscriber"] <= 1.2 * rows  # rows grew, and have an eighth of room left at most
