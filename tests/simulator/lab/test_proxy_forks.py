"""Proxies that are forked off one process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.agents.orders import Order
from simulator.agents.wire import WireTrunk
from simulator.errors import LabError
from simulator.lab import proxy_forks
from simulator.lab.proxy_forks import ForkedProcess, ProxyForks, Template, start_template
from simulator.lab.proxy_process import ProxyProcess
from simulator.loopback import free_port
from tests.plays import ROOT
from tests.plays.proxy_process import eventually
from tests.plays.proxy_templates import forked_proxies, forked_template

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
    with forked_proxies() as forks:
        assert forks is not None
        yield forks


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


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


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


async def test_of_two_that_are_asked_for_at_once_each_is_known_by_its_end(forks: ProxyForks, config: Path) -> None:
    right, wrong = await asyncio.gather(
        forks.start(config), forks.start(write(config.with_name("wrong.yaml"), "listen: nowhere\n"))
    )
    assert right is not None
    assert wrong is not None
    assert await asyncio.wait_for(wrong.wait(), 10) == 2
    assert right.returncode is None
    right.kill()
    assert await asyncio.wait_for(right.wait(), 10) == -signal.SIGKILL


async def test_one_that_nobody_waits_for_any_more_is_ended(forks: ProxyForks, config: Path) -> None:
    starting = asyncio.create_task(forks.fork("proxy.__main__", [str(config)], {}))
    await asyncio.sleep(0.0)  # the order is on its way
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    forked = await forks.start(config)
    assert forked is not None
    async with asyncio.timeout(10):
        while children(parent_of(forked.pid)) != [forked.pid]:  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.01)
    forked.kill()
    await asyncio.wait_for(forked.wait(), 10)


async def test_proxies_end_with_what_they_were_forked_off_and_the_next_is_started_from_nothing(
    config: Path,
) -> None:
    forks = ProxyForks(forked_template)
    forked = await forks.start(config)
    assert forked is not None
    os.kill(parent_of(forked.pid), signal.SIGKILL)
    assert await asyncio.wait_for(forked.wait(), 10) == -signal.SIGKILL
    assert await forks.start(config) is None
    write(config, CONFIG.format(port=free_port()))
    proxy = await ProxyProcess.start(config, config.with_suffix(".log"), forks)
    assert await proxy.stop() is not None
    forks.close()


async def test_what_was_forked_off_a_process_that_was_stopped_ends_in_order_and_the_next_is_started_from_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_forks, "_TOLD_WITHIN", 0.1)
    forks = ProxyForks(forked_template)
    proxy = await ProxyProcess.start(config, config.with_suffix(".log"), forks)
    os.kill(template := parent_of(proxy.pid), signal.SIGSTOP)
    assert await asyncio.wait_for(proxy.stop(), 10) is not None
    assert "did not tell within 0 s that one of these had ended: it was stopped, or hangs" in forks.trouble
    assert await forks.start(config) is None
    forks.close()
    os.kill(template, signal.SIGKILL)


async def test_a_process_that_is_stopped_before_it_forks_anything_is_not_waited_for(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_forks, "_WARM_WITHIN", 0.1)
    stopped: list[Template] = []

    def start(theirs: socket.socket) -> Template:
        template = start_template(theirs)
        assert isinstance(template, subprocess.Popen)
        template.send_signal(signal.SIGSTOP)
        stopped.append(template)
        return template

    forks = ProxyForks(start)
    assert await forks.start(config) is None
    assert "did not answer within 0 s: it was stopped, or hangs; all was done without it" in forks.trouble
    assert stopped[0].wait() == -signal.SIGKILL
    forks.close()


async def test_a_forked_proxy_has_the_environment_of_the_moment(
    forks: ProxyForks, config: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(await forks.start(config.with_name("absent.yaml")))  # the process that others are forked off is there
    monkeypatch.setenv("RINGFENCE_TEST_PORT", str(port))
    write(config, CONFIG.replace("[udp:127.0.0.1:{port}]", '["udp:127.0.0.1:${{RINGFENCE_TEST_PORT}}"]').format())
    proxy = await ProxyProcess.start(config, config.with_suffix(".log"), forks)
    assert await proxy.stop() is not None
    assert forks.trouble == ""


async def ended(forked: ForkedProcess | None) -> int:
    assert forked is not None
    return await asyncio.wait_for(forked.wait(), 10)


class ToldTemplate:
    """A template that forks nothing: a test says what it tells."""

    def __init__(self, orders: socket.socket) -> None:
        self.orders = orders.dup()

    def tell(self, **message: int) -> None:
        self.orders.send(json.dumps(message).encode())

    def kill(self) -> None:
        self.orders.close()

    def wait(self) -> int:
        return 0


async def an_asker() -> tuple[ProxyForks, ToldTemplate, asyncio.subprocess.Process, asyncio.Task[Any]]:
    """Forks whose template says what a test tells it to, a process that it may name, and who waits for one."""
    forks = ProxyForks(ToldTemplate)
    template = forks._process
    assert isinstance(template, ToldTemplate)
    unwanted = await asyncio.create_subprocess_exec("sleep", "60")
    asking = asyncio.create_task(forks.fork("any", (), {}))
    await asyncio.sleep(0)
    return forks, template, unwanted, asking


async def test_a_process_has_not_ended_because_one_before_with_its_number_has() -> None:
    forks, template, unwanted, asking = await an_asker()
    asking.cancel()
    template.tell(pid=unwanted.pid)
    assert await asyncio.wait_for(unwanted.wait(), 10) == -signal.SIGKILL  # as nobody waits for it
    template.tell(pid=unwanted.pid, code=-signal.SIGKILL)
    template.tell(pid=unwanted.pid)
    forked = await forks.fork("any", (), {})
    assert forked is not None
    assert forked.returncode is None
    template.tell(pid=unwanted.pid, code=0)
    assert await asyncio.wait_for(forked.wait(), 10) == 0
    forks.close()


async def test_a_process_that_is_there_when_its_asker_is_cancelled_ends() -> None:
    forks, template, unwanted, asking = await an_asker()
    template.tell(pid=unwanted.pid)
    forks._hear()
    asking.cancel()
    assert await asyncio.wait_for(unwanted.wait(), 10) == -signal.SIGKILL
    forks.close()


LAB = """\
import asyncio, sys
from pathlib import Path
from simulator.lab.proxy_forks import ProxyForks

async def main():
    forked = await ProxyForks().start(Path(sys.argv[1]))
    print(forked.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_nothing_outlives_a_lab_that_is_killed_though_the_process_that_others_are_forked_off_was_stopped(
    config: Path,
) -> None:
    lab = subprocess.Popen(
        [sys.executable, "-c", LAB, str(config)], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert lab.stdout is not None
    forked = int(lab.stdout.readline())
    left = [parent_of(forked), forked]
    os.kill(left[0], signal.SIGSTOP)
    try:
        lab.kill()
        lab.wait()
        eventually(lambda: not any(is_alive(pid) for pid in left))
    finally:
        lab.stdout.close()
        for pid in filter(is_alive, left):
            os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """True for a process that has not ended, whoever may still have to bury it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_nothing_is_left_once_forks_are_closed(config: Path) -> None:
    forks = ProxyForks()
    forked = await forks.start(config)
    assert forked is not None
    forks.close()
    async with asyncio.timeout(10):
        while Path(f"/proc/{forked.pid}").exists():  # noqa: ASYNC110, ASYNC240 - the kernel tells nobody
            await asyncio.sleep(0.01)
