"""A caller, a switch with scripted sound, and the registered phone of alice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator.agents.registration import WirePhone
from simulator.agents.uac import UacCall
from simulator.softswitch.embedded.media_leg import Studio
from simulator.softswitch.embedded.registrar import Account
from simulator.softswitch.embedded.softswitch import Softswitch
from tests.plays.scripted_media import ScriptedMedia, ScriptedPort, find_prompt
from tests.plays.sip_network import SWITCH, Caller, Handsets, Network

ALICE, BOB = WirePhone("+8613800138001", "alice", "s3cret"), WirePhone("+8613800138002", "bob", "pass")
CHALLENGE, WARN = f"rf*challenge*5*{ALICE.number}", f"rf*warn*{ALICE.number}"


class ServiceLab:
    """A caller, a switch with scripted sound, and the registered phone of alice."""

    def __init__(self, *, ports: int = 100) -> None:
        self.network = Network()
        self.media = ScriptedMedia(ports)
        self.switch = Softswitch(
            [Account(phone.number, phone.user, phone.password) for phone in (ALICE, BOB)],
            ring_time=20.0,
            studio=Studio(self.media, find_prompt, Path("run")),
        )
        self.switch.endpoint = self.network.attach(SWITCH, self.switch)
        self.caller = Caller(self.network)
        self.phones = Handsets(self.network, numbers={phone.user: phone.number for phone in (ALICE, BOB)})
        assert self.phones.register(ALICE) == []
        self.network.log.clear()

    def call(self, service: str, **details: Any) -> UacCall:
        call = self.caller.call(service, **details)
        self.network.settle()
        return call

    @property
    def near(self) -> ScriptedPort:
        return self.media.ports[0]

    @property
    def far(self) -> ScriptedPort:
        return self.media.ports[1]

    def finish(self, port: ScriptedPort) -> str:
        playing = port.finish(self.network.now)
        self.network.settle()
        return playing

    def press(self, digit: str, port: ScriptedPort) -> None:
        port.press(digit, self.network.now)
        self.network.settle()

    @property
    def over(self) -> bool:
        """Nobody is in a call, no port is open, and nothing will happen later but the end of transactions."""
        return self.media.idle and not any(endpoint.legs for endpoint in self.network.endpoints.values())
