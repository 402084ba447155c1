"""Alice's handset behind a switch without sockets, a caller, and a line that writes down what it is asked for."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from simulator.agents.orders import Order
from simulator.agents.uac import UacCall, UacText
from simulator.stage.phones.handset import Handset, Text
from tests.plays.sip_network import SWITCH
from tests.plays.switch_lab import ALICE, SwitchLab


class Talked:
    """The sound of one side of a call, as it was used; `takes_keys` says whether the other side knows of keys."""

    def __init__(self, *, takes_keys: bool = True) -> None:
        self.takes_keys = takes_keys
        self.ear: Callable[[bytes], None] | None = None
        self.said: list[bytes] = []
        self.pressed: list[str] = []
        self.closed = False

    def offer(self) -> bytes:
        return b"offer"

    def answer(self, offer: bytes) -> bytes:
        return b"answer"

    def take_answer(self, answer: bytes) -> None:
        return

    def close(self) -> None:
        self.closed = True

    def hear(self, ear: Callable[[bytes], None] | None) -> None:
        self.ear = ear

    def speak(self, samples: bytes) -> None:
        self.said.append(samples)

    def press(self, keys: str) -> bool:
        if self.takes_keys:
            self.pressed.append(keys)
        return self.takes_keys


class HandsetLab:
    """Alice's handset, its line, and a caller."""

    def __init__(self, *, takes_keys: bool = True) -> None:
        self.lab = SwitchLab(outside=True)
        self.takes_keys = takes_keys
        self.sounds: dict[str, Talked] = {}
        self.shown: list[str] = []
        self.answered: list[str] = []
        self.handset = Handset("alice", ALICE.number, self)
        self.lab.phones.owners[ALICE.number] = self.handset
        self._numbers = itertools.count(1)
        self._own = _Own(self)

    # --- the line

    def now(self) -> float:
        return self.lab.network.now

    def today(self) -> float:
        return 1_000_000.0 + self.lab.network.now

    def place(self, handset: Handset, number: str, text: str | None) -> None:
        order = Order(f"alice-{next(self._numbers)}", ALICE.number, number, text=text)
        if text is not None:
            UacText(self._own, order, SWITCH, self.now())
        else:
            sound = handset.dials(order.call_id, number)
            UacCall(self._own, order, SWITCH, self.now(), sound=sound, listener=handset)

    def sound(self, call: str) -> Talked:
        return self.sounds.setdefault(call, Talked(takes_keys=self.takes_keys))

    def got_text(self, handset: Handset, text: Text) -> None:
        self.answered.append(text.body)

    def changed(self, handset: Handset) -> None:
        self.shown.append(self.state)

    # --- what the test does and sees

    @property
    def state(self) -> str:
        held = self.handset.held
        return held.state if held else "idle"

    def hold(self) -> HandsetLab:
        self.handset.hold(self)
        return self

    def is_called(self, *, name: str = "", talk: float | None = None, cancel_after: float | None = None) -> UacCall:
        order = Order(f"call-{next(self._numbers)}", "+6591234567", ALICE.number, display_name=name, talk=talk,
                      cancel_after=cancel_after)  # fmt: skip
        call = UacCall(self.lab.caller, order, SWITCH, self.now())
        self.lab.network.settle()
        return call

    def settle(self) -> None:
        self.lab.network.settle()

    def run(self, seconds: float) -> None:
        self.lab.network.run(seconds)


class _Own:
    """The host of what alice's phone calls and texts itself."""

    def __init__(self, lab: HandsetLab) -> None:
        self.endpoint = lab.lab.phones.endpoint

    def call_ended(self, placed: object) -> None:
        return
