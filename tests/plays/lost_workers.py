"""Workers of pytest-xdist that a test has brought down: pytest-rerunfailures has that test run again."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import pytest


def lost(controller: int) -> Path:
    """The file that is there once the process with that identifier has lost a worker."""
    return Path(tempfile.gettempdir(), f"ringfence-tests-{controller}-lost-a-worker")


def ask_once_lost(config: pytest.Config) -> None:
    """Have a worker ask the controller how often a test has brought down a worker once one has: pytest-rerunfailures
    asks before each test, which takes 40 ms (see findings/pytest-rerunfailures-xdist-forty-milliseconds.sh), or half a
    millisecond of CPU where questions go at once."""
    counts = getattr(config, "failures_db", None)
    if counts is None or not hasattr(counts, "sock"):
        return
    file = lost(config.workerinput["controller"])  # type: ignore[attr-defined]
    counts.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ask = counts.get_test_failures
    counts.get_test_failures = lambda test: ask(test) if file.exists() else 0
    counts.set_test_reruns = lambda *_: None  # see pytest_handlecrashitem of tests/conftest.py
