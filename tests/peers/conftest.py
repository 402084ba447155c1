"""Fixtures for tests against a running proxy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.plays.fork_server import ForkServer
from tests.plays.proxy_process import ProxyProcess
from tests.plays.sipp_peer import SippPeers


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer | None]:
    """The process that proxies are forked off, on Linux."""
    if sys.platform != "linux":
        yield None
        return
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture
def running_proxy(tmp_path: Path, forks: ForkServer | None) -> Iterator[Callable[..., ProxyProcess]]:
    """Starts proxies: `running_proxy(switch_port, transport="udp", **config_keys)`; each is stopped in the end.

    A proxy that logged an internal error, or that does not stop when asked, fails the test.
    """
    started: list[ProxyProcess] = []

    def start(switch_port: int, **config: object) -> ProxyProcess:
        folder = tmp_path / f"proxy{len(started)}"
        folder.mkdir()
        proxy = ProxyProcess(folder, switch_port, forks=forks, **config)  # type: ignore[arg-type]
        started.append(proxy)
        proxy.wait_for("ready")
        return proxy

    yield start
    codes = [proxy.stop() for proxy in started]
    errors = [proxy.events("internal_error") for proxy in started]
    assert codes == [0] * len(started)
    assert errors == [[]] * len(started)


@pytest.fixture
def sipp(tmp_path: Path) -> Iterator[SippPeers]:
    """SIPp on either side; whatever still runs at the end is stopped."""
    with SippPeers(tmp_path) as peers:
        yield peers
