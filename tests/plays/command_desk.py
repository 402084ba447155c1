"""A scenario to run by the `ringfence` command, and the command as a process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.plays import forked

SCENARIO = """\
scenario: small
home: CN
preset: cn
seed: 7
subscribers:
  alice: {number: "+8613800138001", barring: {incoming_international: on}, allow: ["+6591234567"]}
calls:
  - campaign: wangiri
    trunk: international
    from: {prefix: "+23224", pool: 40}
    to: [alice]
    count: 10
    rate: 100/s
    ring: 0.1s
    truth: scam
  - call: daughter
    trunk: international
    from: "+6591234567"
    to: alice
    truth: legit
    expect: {action: label, rule: subscriber.allow, status: 200}
  - call: emergency
    trunk: phones
    from: alice
    to: "110"
    truth: legit
"""


THRESHOLD = "thresholds:\n  scam_recall: ['>= 0.95 lower95']\n"  # 10 of 10 prove no more than 0.72


def written(path: Path, text: str = SCENARIO) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


GETS_THROUGH = """\
scenario: partial
home: CN
subscribers: {alice: {number: "+8613800138001"}}
calls:
  - {campaign: good, trunk: domestic, from: "+8613900139001", to: alice, count: 3, truth: legit}
  - {campaign: bad, trunk: international, from: "+6591234568", to: alice, count: 3, truth: scam}
thresholds: {scam_recall: [">= 0.95"]}
"""


CONFIG = "listen: [udp:127.0.0.1:5060]\nsoftswitch: udp:127.0.0.1:5080\n"
PEOPLE = 'subscribers:\n  - {number: "+8613800138001"}\n'
LONG = SCENARIO.replace("count: 10", "count: 1000").replace("rate: 100/s", "rate: 20/s")


def children(*pids: object) -> list[str]:
    return [child for pid in pids for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Started:
    """A run in a process of its own, once calls are under way; `proxies` are its proxy and what that was forked off.

    It is forked off a process that has imported all, unless it is to be started `from_nothing`.
    """

    def __init__(self, folder: Path, *, from_nothing: bool = False) -> None:
        second = written(folder / "second.yaml", LONG.replace("scenario: ", "scenario: second-"))
        command = [sys.executable, "-P", "-m", "simulator", "run", written(folder / "long.yaml", LONG), second]
        start = partial(subprocess.Popen, text=True) if from_nothing else forked.start
        self.process: forked.Started = start(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        events = folder / "runs" / "latest" / "events.jsonl"
        wait_until(lambda: events.exists() and "pass_started" in events.read_text())
        forked_off = children(self.process.pid)
        self.proxies = [Path("/proc", pid, "cmdline") for pid in (*forked_off, *children(*forked_off))]
        assert len(self.running()) == 2

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def running(self) -> list[Path]:
        """Those of the proxies that still run; what has ended and is not yet buried has no command line."""
        return [cmdline for cmdline in self.proxies if cmdline.exists() and cmdline.read_bytes()]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
