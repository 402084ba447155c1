"""A caller, a switch, and the registered phones of alice and bob."""

from __future__ import annotations

from simulator.agents.registration import WirePhone
from simulator.softswitch.embedded.registrar import Account
from simulator.softswitch.embedded.softswitch import Softswitch
from tests.plays.sip_network import FAR, SWITCH, Caller, Handsets, Network

STRANGER = ("127.0.0.66", 6060)
ALICE = WirePhone("+8613800138001", "alice", "s3cret")
BOB = WirePhone("+8613800138002", "bob", "pass")
CAROL = WirePhone("+8613800138003", "carol", "never registers")
NUMBERS = {phone.user: phone.number for phone in (ALICE, BOB, CAROL)}


class SwitchLab:
    """A caller, a switch, and the registered phones of alice and bob."""

    def __init__(self, *, outside: bool = False, ring_time: float = 60.0) -> None:
        self.network = Network()
        self.switch = Softswitch(
            [Account(phone.number, phone.user, phone.password) for phone in (ALICE, BOB, CAROL)],
            resolve={"013800138001": "alice", "10086": "+8613800138002"}.get,
            outside=FAR if outside else None,
            ring_time=ring_time,
        )
        self.switch.endpoint = self.network.attach(SWITCH, self.switch)
        self.caller = Caller(self.network)
        self.phones = Handsets(self.network, numbers=NUMBERS)
        assert self.phones.register(ALICE, BOB) == []
        self.network.log.clear()

    @property
    def legs(self) -> int:
        return sum(len(endpoint.legs) for endpoint in self.network.endpoints.values())
