"""Fixtures that several tests of the simulator share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from simulator.judging import result
from simulator.lab.proxy_forks import ProxyForks
from tests.plays.proxy_templates import forked_proxies


@pytest.fixture(scope="session")
def forks() -> Iterator[ProxyForks | None]:
    """The process that proxies are forked off: one for all tests that have proxies in the event loop of their own."""
    with forked_proxies() as forks:
        yield forks


@pytest.fixture
def runs_beside_others(forks: ProxyForks | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """`main(["run", ...])` forks its proxies off the same one each time, and is valid also on a machine that lags."""
    monkeypatch.setattr("simulator.lab.proxy_forks.proxy_forks", lambda *_: nullcontext(forks))
    monkeypatch.setattr(result, "LATENESS_BOUND", 60.0)
