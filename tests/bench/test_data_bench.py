"""Start and reload with ten million listed numbers and a million subscribers.

The proxy is started with them, then told three times to read them again, one time after the other, while 50 calls a
second go through it for a minute. Memory is the proportional set size of its processes: of a page that several share,
each has its part. BENCH_ENTRIES and BENCH_SUBSCRIBERS make it smaller; BENCH_DATA is a folder to keep the files in.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.bench import harness
from tests.bench.big_data import write_list, write_subscribers
from tests.bench.figures import Figure, Figures
from tests.bench.processes import ALL, ended_children_cpu, memory_kib, running
from tests.bench.systems import CALLER_HOST, COMPILED, PURE, SWITCH_HOST, SYSTEM_HOST, System, compiled_is_there

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
ENTRIES = int(os.environ.get("BENCH_ENTRIES", "10_000_000"))
SUBSCRIBERS = int(os.environ.get("BENCH_SUBSCRIBERS", "1_000_000"))
RATE, RELOADS = 50, 3
SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
BUILDS = [COMPILED, PURE] if compiled_is_there() else [PURE]
START = {"compiled": 10.0, "pure": 15.0}  # seconds
SETUP_P99, GAP = 100.0, 50.0  # milliseconds
AFTER, PEAK = 1.1, 2.0  # of the memory before
_PATIENCE = 180.0
_CALLS_BEFORE, _LET_GO = 5.0, 3.0  # seconds of calls before the first reload; until replaced tables are given back


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A folder with the files."""
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as temporary:
        folder = Path(os.environ.get("BENCH_DATA", temporary))
        if not (folder / "list.csv").exists():
            write_list(folder / "list.csv", ENTRIES)
            write_subscribers(folder / "people.db", SUBSCRIBERS)
        yield folder


@dataclass(slots=True)
class Reloads:
    """Reloads that were played beside calls; memory in KiB."""

    log: Path
    before: int = 0
    after: int = 0
    peak: int = 0
    reloaded: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def beside(self, pid: int) -> Iterator[None]:
        """Play them until the calls are over."""
        threads = [threading.Thread(target=play, args=(pid,)) for play in (self._reload, self._watch)]
        for thread in threads:
            thread.start()
        yield
        threads[0].join(_PATIENCE)
        self._over.set()
        threads[1].join()
        time.sleep(_LET_GO)
        self.after = memory_kib(pid)

    def _reload(self, pid: int) -> None:
        self._over.wait(_CALLS_BEFORE)
        self.before = memory_kib(pid)
        for count in range(RELOADS):
            os.kill(pid, signal.SIGHUP)
            while len(events(self.log, "reloaded")) <= count:
                time.sleep(0.1)
            self.reloaded += 1

    def _watch(self, pid: int) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, memory_kib(pid))


def events(log: Path, name: str) -> list[str]:
    """The lines of a log that tell of one sort of event; the last one may not be whole."""
    *lines, _ = log.read_text().split("\n")
    return [line for line in lines if json.loads(line).get("event") == name]


def with_data(system: System, data: Path, log: Path) -> System:
    """The system with the big files, and its log in `log`."""

    def command(folder: Path, port: int, switch_port: int) -> list[str]:
        *interpreter, config = system.command(folder, port, switch_port)
        Path(config).write_text(
            f"listen: [udp:{SYSTEM_HOST}:{port}]\nsoftswitch: udp:{SWITCH_HOST}:{switch_port}\nhome: CN\n"
            f"trunks:\n  international: {{match: [{CALLER_HOST}], kind: international, trust_identity: true}}\n"
            f"subscribers: sqlite:///{data / 'people.db'}\nscam_lists: [{data / 'list.csv'}]\ncall_log: calls.jsonl\n"
        )
        return ["/bin/sh", "-c", f'exec "$@" 2>{log}', "sh", *interpreter, config]

    return System(system.name, command, system.environment)


@pytest.mark.parametrize("system", BUILDS, ids=lambda system: system.name)
def test_it_starts_soon(figures: Figures, data: Path, tmp_path: Path, system: System) -> None:
    log = tmp_path / "proxy.log"
    ports = harness.free_port(SYSTEM_HOST), harness.free_port(SWITCH_HOST)
    started, cpu = time.monotonic(), ended_children_cpu()
    command = with_data(system, data, log).command(tmp_path, *ports)
    with running(command, tmp_path, subprocess.DEVNULL, system.environment):
        while not (log.exists() and events(log, "ready")):
            assert time.monotonic() < started + _PATIENCE
            time.sleep(0.01)
        took = time.monotonic() - started
    (ready,) = map(json.loads, events(log, "ready"))
    assert (ready["entries"], ready["subscribers"]) == (ENTRIES, SUBSCRIBERS)
    name = f"start with {ENTRIES:,} entries, {SUBSCRIBERS:,} subscribers"
    met = figures.add(Figure(name, system.name, took, START[system.name], "s"))
    figures.add(Figure("  CPU of that", system.name, ended_children_cpu() - cpu, None, "s"))
    assert met


@pytest.mark.parametrize("system", BUILDS, ids=lambda system: system.name)
def test_calls_go_on_while_it_reads_everything_again(
    figures: Figures, data: Path, tmp_path: Path, system: System
) -> None:
    reloads = Reloads(tmp_path / "proxy.log")
    played = harness.play(
        with_data(system, data, reloads.log), RATE, SECONDS, reloads.beside, processors=ALL, patience=_PATIENCE
    )
    assert not played.generator_lagged
    assert reloads.reloaded == RELOADS
    add = partial(_add, figures, system.name)
    met = [
        add(f"calls of {played.calls:,} that failed during {RELOADS} reloads", played.failed, 0, ""),
        add("  p99 set-up delay", played.setup_p99, SETUP_P99, "ms"),
        add("  longest gap between messages", played.longest_gap, GAP, "ms"),
        add("  memory after / before", reloads.after / reloads.before, AFTER, ""),
        add("  peak memory / before", reloads.peak / reloads.before, PEAK, ""),
        add("  memory before", reloads.before / 1024, None, "MiB"),
    ]
    assert all(met)


def _add(figures: Figures, build: str, name: str, measured: float, target: float | None, unit: str) -> bool:
    return figures.add(Figure(name, build, measured, target, unit))
