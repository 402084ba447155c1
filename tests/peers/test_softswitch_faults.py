"""A softswitch that is killed, frozen and brought back behind the running proxy, on real sockets."""

from __future__ import annotations

import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL

import pytest

from proxy.sip.message import Request, parse
from simulator.loopback import free_port
from tests.plays import ROOT, forked
from tests.plays.proxy_process import INTERNATIONAL, PHONES, SWITCH, ProxyProcess, eventually
from tests.plays.udp_peer import Peer

Start = Callable[..., ProxyProcess]
ALICE, BARRED = "+8613800138001", "+8613800138002"
DAUGHTER = "+6591234567"


class SoftswitchProcess:
    """`ringfence softswitch embedded` in a process of its own, which can be killed and frozen."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port(SWITCH)
        self._folder = folder
        self._process: forked.Started | None = None

    def run(self, config: Path) -> None:
        command = [sys.executable, "-m", "simulator", "softswitch", "embedded", str(config)]
        with (self._folder / "switch.log").open("wb") as log:
            self._process = forked.start(command, cwd=ROOT, stdin=DEVNULL, stdout=log, stderr=log)

    def gets(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        if number == signal.SIGKILL:
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class FaultLab:
    """A switch, the proxy before it, a caller abroad, and alice's phone, which is registered."""

    def __init__(self, proxy: ProxyProcess, switch: SoftswitchProcess, caller: Peer, phone: Peer) -> None:
        self.proxy, self.switch, self.caller, self.phone = proxy, switch, caller, phone
        self.calls = 0

    def registers(self) -> None:
        """As soon as the switch is there for it."""

        def asked() -> bool:
            contact = ("Contact", f"<sip:alice@{self.phone.host}:{self.phone.port}>")
            self.phone.asks("REGISTER", f"sip:{SWITCH}", contact)
            while True:
                message = parse(self.phone.socket.recv(65535))
                if not isinstance(message, Request) and message.status >= 200:
                    return message.status == 200

        eventually(asked)

    def call(self, to: str = ALICE) -> None:
        self.calls += 1
        contact = ("Contact", f"<sip:{self.caller.host}:{self.caller.port}>")
        self.caller.asks("INVITE", f"sip:{to}@127.0.0.31", contact, sender=DAUGHTER, call=self.calls)

    def final(self, to: str = ALICE) -> int:
        """The final status of a new call, which is acknowledged."""
        self.call(to)
        while True:
            message = parse(self.caller.socket.recv(65535))
            if isinstance(message, Request) or message.call_id != f"{self.calls}-{self.caller.port}@{INTERNATIONAL}":
                continue
            if message.status >= 200:
                self.caller.sent -= 1
                self.caller.asks(
                    "ACK", f"sip:{to}@127.0.0.31", to_tag=message.to.tag or "", sender=DAUGHTER, call=self.calls
                )
                return message.status

    def rings(self) -> Request:
        """The phone rings, and is busy."""
        ringing = self.phone.hears("INVITE")
        assert isinstance(ringing, Request)
        self.phone.answers(ringing, 486)
        self.phone.hears("ACK")
        return ringing

    def heard_by_phone(self) -> list[str]:
        """The methods and statuses that the phone has heard by now."""
        heard = []
        self.phone.socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                heard.append(parse(self.phone.socket.recv(65535)).start_line.split()[0])
        self.phone.socket.settimeout(10)
        return heard


@pytest.fixture
def lab(running_proxy: Start, tmp_path: Path) -> Iterator[FaultLab]:
    subscribers = tmp_path / "subscribers.yaml"
    barred = {"number": BARRED, "user": "bob", "password": "b0b", "barring": {"incoming_international": True}}
    alice = {"number": ALICE, "user": "alice"}
    subscribers.write_text(json.dumps({"subscribers": [alice, barred]}))
    switch = SoftswitchProcess(tmp_path)
    with Peer(INTERNATIONAL) as caller, Peer(PHONES) as phone:
        proxy = running_proxy(switch.port, subscribers=str(subscribers))
        caller.proxy = phone.proxy = (proxy.host, proxy.port)
        try:
            yield FaultLab(proxy, switch, caller, phone)
        finally:
            switch.stop()


def test_a_switch_that_is_killed_costs_no_caller_any_time_and_rings_as_soon_as_it_is_back(lab: FaultLab) -> None:
    assert lab.final() == 503  # nobody is there yet
    assert lab.final(BARRED) == 603
    [down] = lab.proxy.wait_for_all("softswitch_down", 1)
    assert down["cause"] == "refused"

    lab.switch.run(lab.proxy.config)
    lab.proxy.wait_for_all("softswitch_up", 1)
    lab.registers()
    lab.call()
    lab.rings()
    lab.caller.hears(486)

    lab.switch.gets(signal.SIGKILL)
    assert [lab.final(), lab.final(BARRED), lab.final()] == [503, 603, 503]
    lab.proxy.wait_for_all("softswitch_down", 2)
    assert lab.heard_by_phone() == []


def test_a_switch_that_is_frozen_is_missed_and_no_phone_rings_for_callers_who_left(lab: FaultLab) -> None:
    assert lab.final() == 503
    lab.switch.run(lab.proxy.config)
    lab.proxy.wait_for_all("softswitch_up", 1)
    lab.registers()
    lab.switch.gets(signal.SIGSTOP)
    assert [lab.final(), lab.final(BARRED), lab.final()] == [503, 603, 503]
    down = lab.proxy.wait_for_all("softswitch_down", 2)[1]
    assert (down["cause"], down["failed"]) == ("silent", 1)

    lab.switch.gets(signal.SIGCONT)
    lab.proxy.wait_for_all("softswitch_up", 2)
    lab.call()
    lab.rings()  # for this call, and not for the one that lay in its buffer
    lab.caller.hears(486)


@pytest.mark.parametrize("listening", [False, True], ids=["nobody listens", "nobody reads"])
def test_over_tcp_too(running_proxy: Start, listening: bool) -> None:
    with socket.socket() as held, Peer(INTERNATIONAL) as caller, Peer(PHONES) as phone:
        held.bind((SWITCH, 0))
        if listening:
            held.listen()
        proxy = running_proxy(held.getsockname()[1], transport="tcp")
        caller.proxy = (proxy.host, proxy.port)
        lab = FaultLab(proxy, SoftswitchProcess(Path()), caller, phone)
        assert [lab.final(), lab.final()] == [503, 503]
        [down] = proxy.wait_for_all("softswitch_down", 1)
        assert down["cause"] == ("silent" if listening else "refused")


def test_nothing_is_said_of_a_switch_that_answers(lab: FaultLab) -> None:
    lab.proxy.stop()
    lab.proxy.change_config(softswitch_probe={"interval_seconds": 0.2, "timeout_seconds": 2})
    with Peer(SWITCH, lab.switch.port) as switch:  # there before the first probe
        lab.proxy.start()
        lab.proxy.wait_for("ready")
        switch.proxy = lab.caller.proxy
        for status in (200, 404, 501):
            lab.call()
            while not (invite := switch.hears("INVITE")).call_id.startswith(f"{lab.calls}-"):
                pass  # the last one once more, on a busy machine
            switch.answers(invite, 486)
            lab.caller.hears(486)
            switch.answers(switch.hears("OPTIONS"), status)
    assert lab.proxy.events("softswitch_down") == []
