"""The container's life as the lab's users meet it: killed, interrupted, orphaned, provisioned anew, and crowded."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import NotFound
from docker.models.containers import Container

from simulator.agents.orders import Order
from simulator.agents.registration import WirePhone
from simulator.agents.wire import WirePhones, WireTrunk
from simulator.softswitch.asterisk.softswitch import HOST_LABEL, OWNER_LABEL, AsteriskSoftswitch, prepare, sweep
from simulator.softswitch.embedded.registrar import Account
from tests.plays.docker_engine import need_an_engine

pytestmark = pytest.mark.docker

PATIENCE = 90.0  # seconds, on a busy machine

SCENARIO = """\
scenario: lifecycle
home: CN
seed: 3
subscribers:
  alice: {number: "+8613800138001"}
calls:
  - campaign: friends
    trunk: domestic
    from: {prefix: "+8613900139", pool: 20, length: 13}
    to: alice
    count: 60
    rate: 10/s
    talk: 0.2s
    truth: legit
"""


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    need_an_engine()
    made = docker.from_env()
    yield made
    made.close()


class Started:
    """`ringfence run --softswitch docker` in a process of its own, once its first calls have ended."""

    def __init__(self, folder: Path, client: docker.DockerClient) -> None:
        (folder / "lifecycle.yaml").write_text(SCENARIO, encoding="utf-8")
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "simulator", "run", "--softswitch", "docker", "lifecycle.yaml"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._client = client
        self.events = folder / "runs" / "latest" / "events.jsonl"
        wait_until(lambda: self.process.poll() is not None or self._calls_ended() >= 5)
        assert self.process.poll() is None, self.ends()

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        for container in self.containers():
            container.remove(force=True)

    def _calls_ended(self) -> int:
        return self.events.read_text().count("call_ended") if self.events.exists() else 0

    def containers(self) -> list[Container]:
        """Those that belong to this very process, dead or alive."""
        everyone = self._client.containers.list(all=True, filters={"label": HOST_LABEL}, ignore_removed=True)
        return [each for each in everyone if each.labels[OWNER_LABEL].startswith(f"{self.process.pid}:")]

    def ends(self) -> str:
        """Return what it printed until its end."""
        printed, _ = self.process.communicate(timeout=PATIENCE)
        return printed


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_container_killed_under_calls_is_told_and_the_proxy_serves_on(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    with Started(tmp_path, client) as run:
        (container,) = run.containers()
        container.kill()
        printed = run.ends()
        assert run.process.returncode == 3, printed
        assert "Asterisk) ended by itself with code 137" in printed
        assert run.containers() == []
    folder = run.events.parent.resolve()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["state"], manifest["valid"]) == ("finished", False)
    calls = lines(folder / "calls.jsonl")
    assert len(calls) == 60
    before, after = ([call["outcome"] for call in part] for part in (calls[:4], calls[-10:]))
    assert set(before) == {"passed"}
    assert set(after) == {"fault"}  # a call that no switch could take is nobody's success
    # The proxy judged every call, those after the end of the switch as well, and ended as it was told to.
    assert {call["proxy_wrote"]["action"] for call in calls} == {"allow"}
    assert "the proxy did not end" not in printed


def test_the_next_run_after_a_killed_lab_starts_clean(tmp_path: Path, client: docker.DockerClient) -> None:
    with Started(tmp_path, client) as run:
        assert len(run.containers()) == 1
        run.process.kill()
        run.process.wait()
        sweep(client)
        assert run.containers() == []
    (tmp_path / "lifecycle.yaml").write_text(SCENARIO.replace("count: 60", "count: 5"), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "simulator", "run", "--softswitch", "docker", "lifecycle.yaml", "-k", "friends"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_what_dead_labs_of_this_machine_left_is_removed_and_nothing_else(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = f"test-{os.getpid()}"  # or other labs that come up just now remove it
    monkeypatch.setattr(socket, "gethostname", lambda: here)
    with subprocess.Popen(["true"]) as dead:
        pass
    owners = [(here, f"{dead.pid}:1"), (here, _owner_of_this_process()), ("elsewhere", f"{dead.pid}:1")]
    image = prepare(print)
    left, mine, others = (
        client.containers.create(image, labels={HOST_LABEL: host, OWNER_LABEL: owner}) for host, owner in owners
    )
    try:
        assert sweep(client) == 1
        with pytest.raises(NotFound):
            left.reload()
        mine.reload()
        others.reload()
    finally:
        for each in (mine, others):
            each.remove(force=True)


def _owner_of_this_process() -> str:
    status = Path("/proc/self/stat").read_text(encoding="utf-8")
    return f"{os.getpid()}:{status.rpartition(')')[2].split()[19]}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_takes_its_container_away(
    number: signal.Signals, tmp_path: Path, client: docker.DockerClient
) -> None:
    with Started(tmp_path, client) as run:
        run.process.send_signal(number)
        printed = run.ends()
        assert run.process.returncode == 130, printed
        assert run.containers() == []
    assert lines(run.events)[-1]["event"] == "interrupted"


async def test_accounts_come_and_go_while_the_switch_runs(tmp_path: Path, client: docker.DockerClient) -> None:
    accounts = [Account(f"+86138001{number:05}", f"user{number}", f"secret{number}") for number in range(1000)]
    first, late = accounts[0], Account("+8613900139000", "late", "comer")
    switch = AsteriskSoftswitch(("127.0.0.1", 0), accounts, folder=tmp_path)
    async with (
        switch,
        WirePhones(("127.0.0.1", 0), switch.address) as phones,
        WireTrunk(("127.0.0.1", 0), switch.address) as trunk,
    ):
        as_phones = [WirePhone(each.number, each.user, each.password or "") for each in accounts]
        assert await phones.register(as_phones) == []
        newcomer = WirePhone(late.number, late.user, "comer")
        assert len(await phones.register([newcomer])) == 1, "nobody knows it yet"
        await switch.provision([*accounts[:500], late])
        assert await phones.register([newcomer]) == []
        statuses = {}
        for callee in (first, late, accounts[-1]):
            placed = trunk.place(Order(f"to-{callee.user}", caller="+6591234567", callee=callee.number, talk=0.0))
            await trunk.idle()
            statuses[callee.user] = placed.status
        assert statuses == {"user0": 200, "late": 200, "user999": 404}
    assert switch.problems == []
