"""docker/compose.yaml as people use it: phones register and call through it, and it keeps to itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from simulator.agents.orders import RING_ONLY, Credentials, Order, OutgoingCall
from simulator.agents.registration import WirePhone
from simulator.agents.wire import WirePhones, WireTrunk
from simulator.loopback import free_port
from simulator.softswitch.asterisk import softswitch as asterisk
from tests.plays import ROOT
from tests.plays.docker_engine import need_an_engine

pytestmark = pytest.mark.docker

LAB = ROOT / "docker" / "lab"
PROJECT = f"ringfence-test-{os.getpid()}"
PATIENCE = 500.0  # seconds; building the images takes a minute or three, a busy machine its time
ALICE, BOB = WirePhone("+8613800138001", "alice", "s3cret"), WirePhone("+8613800138002", "bob", "s3cret-too")
CAROL = "+8613800138003"
PORTS = (
    "RINGFENCE_PORT",
    "RINGFENCE_SWITCH_PORT",
    "RINGFENCE_ACCOUNTS_PORT",
    "RINGFENCE_METRICS_PORT",
    "RINGFENCE_PROMETHEUS_PORT",
)
COMPILE = os.environ.get("RINGFENCE_COMPILE", "1" if "CI" in os.environ else "0")  # which takes its time
SERVICES = ("proxy", "switch", "accounts", "prometheus")  # all but Grafana, whose image Debian does not have


@dataclass(frozen=True)
class StandingLab:
    ports: tuple[int, ...]  # in the order of PORTS

    @property
    def proxy(self) -> tuple[str, int]:
        return "127.0.0.1", self.ports[0]

    def __call__(self, *arguments: str) -> str:
        """The output of `docker/lab ARGUMENTS`."""
        moved = {name: str(port) for name, port in zip(PORTS, self.ports, strict=True)}
        environment = os.environ | moved | {"COMPOSE_PROJECT_NAME": PROJECT, "MONITORING": "1"}
        environment["RINGFENCE_COMPILE"] = COMPILE
        ended = subprocess.run([LAB, *arguments], env=environment, capture_output=True, text=True, timeout=PATIENCE)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def containers(self) -> list[dict[str, Any]]:
        """The engine's description of each."""
        client = asterisk.connect()
        try:
            return [client.api.inspect_container(each) for each in self("ps", "-q").split()]
        finally:
            client.close()


def need_compose() -> None:
    """Skip where there is none; in CI that is a failure."""
    if subprocess.run([LAB, "version"], capture_output=True).returncode != 0:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Docker Compose: apt-get install docker-compose")


@pytest.fixture(scope="module")
def lab() -> Iterator[StandingLab]:
    need_an_engine()
    need_compose()
    asterisk.prepare(print)  # what the switch is built from is then there, and built by one only
    made = StandingLab(tuple(free_port() for _ in PORTS))
    try:
        made("up", "-d", "--build", *SERVICES)
        made("exec", "-T", "proxy", "answers-options", str(made.ports[0]), "30")
        yield made
    finally:
        made("down", "--volumes")


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.5)


async def place(agent: WireTrunk, order: Order) -> OutgoingCall:
    placed = agent.place(order)
    await agent.idle()
    return placed


def test_by_default_it_is_where_everybody_looks_for_sip() -> None:
    need_compose()
    environment = {name: value for name, value in os.environ.items() if name not in PORTS}
    shown = subprocess.run([LAB, "config"], env=environment, capture_output=True, text=True, check=True).stdout
    for name, port in zip(PORTS, (5060, 5080, 4573, "", 9090), strict=True):
        assert f"{name}: '{port}'" in shown.replace('"', "'")


def test_its_proxy_is_compiled_where_that_was_asked_for(lab: StandingLab) -> None:
    build = "pure" if COMPILE in ("0", "") else "compiled"
    assert build in lab("exec", "-T", "proxy", "ringfence", "--version")


def test_prometheus_asks_the_proxy_and_its_alert_rules_hold(lab: StandingLab) -> None:
    def known() -> dict[str, str]:
        query = quote('{__name__=~"up|ringfence_softswitch_up|ringfence_build_info"}')
        with urlopen(f"http://127.0.0.1:{lab.ports[4]}/api/v1/query?query={query}", timeout=10) as answer:
            return {each["metric"]["__name__"]: each["value"][1] for each in json.load(answer)["data"]["result"]}

    eventually(lambda: known() == {"up": "1", "ringfence_softswitch_up": "1", "ringfence_build_info": "1"})
    rules = lab("exec", "-T", "prometheus", "promtool", "test", "rules", "/etc/ringfence/alerts.test.yml")
    assert "SUCCESS" in rules


async def test_a_phone_rings_another_and_strangers_from_abroad_ring_only_who_takes_their_calls(
    lab: StandingLab,
) -> None:
    async with (
        WirePhones(("127.0.0.1", 0), lab.proxy) as phones,
        WireTrunk(("127.0.1.77", 0), lab.proxy) as abroad,
    ):
        assert await phones.register([ALICE, BOB]) == []
        as_bob = Credentials(BOB.user, BOB.password)
        # As a subscriber dials: without the country code, which the switch has to understand.
        order = Order("bob-to-alice", caller=BOB.number, callee="013800138001", talk=0.2, credentials=as_bob)
        called = await place(phones, order)
        assert called.status == 200
        assert called.ringing is not None
        assert [each.number for each in phones.taken["bob-to-alice"]] == [ALICE.number]
        phones.for_call["bob-in-vain"] = RING_ONLY
        in_vain = Order("bob-in-vain", caller=BOB.number, callee=ALICE.number, cancel_after=0.2, credentials=as_bob)
        assert (await place(phones, in_vain)).status == 487

        barred = await place(abroad, Order("stranger", caller="+23224555000", callee=ALICE.number))
        assert (barred.status, barred.ringing) == (603, None)
        assert "stranger" not in phones.taken
        daughter = await place(abroad, Order("daughter", caller="+6591234567", callee=ALICE.number, talk=0.0))
        assert daughter.status == 200
        assert (await place(abroad, Order("to-bob", caller="+23224555000", callee=BOB.number, talk=0.0))).status == 200
        nobody = Order("nobody", caller=BOB.number, callee="+8613800138009", credentials=as_bob)
        assert (await place(phones, nobody)).status == 404


def sipp(lab: StandingLab, host: str, *arguments: str) -> list[str]:
    """SIPp at a port of its own on `host`, as the README calls it."""
    own, proxy = str(free_port(host)), "{}:{}".format(*lab.proxy)
    return ["sipp", *arguments, "-i", host, "-p", own, "-m", "1", "-nostdin", proxy]


def test_sipp_is_a_phone_and_a_trunk_as_the_readme_shows(lab: StandingLab, tmp_path: Path) -> None:
    if shutil.which("sipp") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no SIPp: apt-get install sip-tester")
    register = sipp(
        lab, "127.0.0.1", "-sf", str(LAB.parent / "standing-lab" / "register.xml"), "-s", "alice", "-ap", "s3cret"
    )
    run: Any = partial(subprocess.run, cwd=tmp_path, capture_output=True, timeout=30)
    assert run(register).returncode == 0
    phone = ["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", register[register.index("-p") + 1], "-nostdin", "-m", "1"]
    with subprocess.Popen(phone, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ringing:
        try:
            barred = run(sipp(lab, "127.0.1.1", "-sn", "uac", "-s", ALICE.number))
            assert (barred.returncode, b"603" in barred.stdout + barred.stderr) == (1, True)
            assert ringing.poll() is None
            assert run(sipp(lab, "127.0.2.1", "-sn", "uac", "-s", ALICE.number)).returncode == 0
            assert ringing.wait(10) == 0
        finally:
            ringing.kill()


async def test_who_may_not_ring_carol_can_leave_a_message(lab: StandingLab) -> None:
    async with WireTrunk(("127.0.1.77", 0), lab.proxy) as abroad:
        # Longer than the greeting, which takes 3.3 s.
        placed = await place(abroad, Order("message", caller="+23224555000", callee=CAROL, talk=5.0))
        assert placed.status == 200
    eventually(lambda: "voicemail-message.wav" in lab("exec", "-T", "switch", "ls", "/recordings"))


async def test_what_a_subscriber_changed_outlasts_a_restart(lab: StandingLab) -> None:
    async with (
        WirePhones(("127.0.0.1", 0), lab.proxy) as phones,
        WireTrunk(("127.0.1.77", 0), lab.proxy) as abroad,
    ):
        assert await phones.register([BOB]) == []
        as_bob = Credentials(BOB.user, BOB.password)
        keyword = Order("keyword", caller=BOB.number, callee="10086", text="QXGJLH", credentials=as_bob)
        assert (await place(phones, keyword)).status in (200, 202)
        assert (await place(abroad, Order("before", caller="+23224555000", callee=BOB.number))).status == 603
        lab("restart", "proxy")
        lab("exec", "-T", "proxy", "answers-options", str(lab.ports[0]), "30")
        assert (await place(abroad, Order("after", caller="+23224555000", callee=BOB.number))).status == 603


def test_what_the_proxy_signed_with_outlasts_its_container(lab: StandingLab) -> None:
    secret = lab("exec", "-T", "proxy", "cat", "/lab/ringfence.secret")
    lab("up", "-d", "--force-recreate", "proxy")
    lab("exec", "-T", "proxy", "answers-options", str(lab.ports[0]), "30")
    assert lab("exec", "-T", "proxy", "cat", "/lab/ringfence.secret") == secret


def test_it_runs_as_nobody_in_particular_and_listens_on_loopback_only(lab: StandingLab) -> None:
    eventually(lambda: {each["State"]["Health"]["Status"] for each in lab.containers()} == {"healthy"})
    containers = lab.containers()
    assert len(containers) == len(SERVICES)
    for each in containers:
        assert each["Config"]["User"] == "5060:5060"
        host = each["HostConfig"]
        assert (host["CapDrop"], host["CapAdd"], host["Privileged"]) == (["ALL"], None, False)
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["ReadonlyRootfs"]
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
    listening = [(int(port, 16), address) for address, port in _bound()]
    for port in lab.ports:
        assert {address for held, address in listening if held == port} == {"0100007F"}  # 127.0.0.1


def _bound() -> Iterator[list[str]]:
    """Local address and port, in hexadecimal, of every socket of this machine."""
    for table in ("udp", "udp6", "tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            yield line.split()[1].split(":")
