"""Proxies that are forked off one process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.agents.orders import Order
from simulator.agents.wire import WireTrunk
from simulator.errors import LabError
from simulator.lab.proxy_forks import ProxyForks
from simulator.lab.proxy_process import ProxyProcess
from simulator.loopback import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="proxies are forked on Linux only")

CONFIG = """\
listen: [udp:127.0.0.1:{port}]
softswitch: udp:127.0.0.1:9
home: CN
preset: cn
trunks: {{abroad: {{match: [127.0.0.0/8], kind: international}}}}
call_log: calls.jsonl
"""


@pytest.fixture(scope="module")
def forks() -> Iterator[ProxyForks]:
    forks = ProxyForks()
    yield forks
    forks.close()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def config(tmp_path: Path, port: int) -> Path:
    return write(tmp_path / "proxy.yaml", CONFIG.format(port=port))


def write(config: Path, text: str) -> Path:
    config.write_text(text, encoding="utf-8")
    return config


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_a_forked_proxy_judges_calls_writes_its_record_and_stops_in_order(
    forks: ProxyForks, config: Path, port: int
) -> None:
    proxy = await ProxyProcess.start(config, config.with_suffix(".log"), forks)
    async with WireTrunk(("127.0.0.1", 0), ("127.0.0.1", port)) as trunk:
        spoofed = trunk.place(Order("spoofed", caller="+861055550123", callee="+8613800138001"))
        await asyncio.wait_for(trunk.idle(), 10)
    counters = await proxy.stop()
    assert (spoofed.status, counters is not None) == (603, True)
    assert '"event": "stopped"' in config.with_suffix(".log").read_text()
    assert "spoofed" in config.with_name("calls.jsonl").read_text()


async def test_a_forked_proxy_that_cannot_start_says_why(forks: ProxyForks, config: Path) -> None:
    write(config, "listen: nowhere\n")
    with pytest.raises(LabError, match=r"the proxy ended with code 2: .*proxy.yaml:1:9: found \"nowhere\""):
        await ProxyProcess.start(config, config.with_suffix(".log"), forks)


async def test_a_forked_proxy_that_is_killed_is_known_to_have_ended(forks: ProxyForks, config: Path) -> None:
    forked = await forks.start(config)
    assert forked is not None
    os.kill(forked.pid, signal.SIGKILL)
    assert await asyncio.wait_for(forked.wait(), 10) == -signal.SIGKILL


async def test_proxies_end_with_what_they_were_forked_off_and_the_next_is_started_from_nothing(
    config: Path,
) -> None:
    forks = ProxyForks()
    forked = await forks.start(config)
    assert forked is not None
    os.kill(parent_of(forked.pid), signal.SIGKILL)
    assert await asyncio.wait_for(forked.wait(), 10) == -signal.SIGKILL
    assert await forks.start(config) is None
    write(config, CONFIG.format(port=free_port()))
    proxy = await ProxyProcess.start(config, config.with_suffix(".log"), forks)
    assert await proxy.stop() is not None
    forks.close()


async def test_nothing_is_left_once_forks_are_closed(config: Path) -> None:
    forks = ProxyForks()
    forked = await forks.start(config)
    assert forked is not None
    forks.close()
    async with asyncio.timeout(10):
        while Path(f"/proc/{forked.pid}").exists():  # noqa: ASYNC110, ASYNC240 - the kernel tells nobody
            await asyncio.sleep(0.01)
