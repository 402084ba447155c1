"""Calls that somebody hears of, and takes a hand in: phones that ring until told, and the sound of both sides."""

from __future__ import annotations

import pytest

from simulator.agents.listening import Call, CallListener, PhoneListener, Sound
from simulator.agents.orders import RING_ONLY, Behaviour, IncomingCall, Order
from simulator.agents.uac import UacCall
from simulator.agents.uas import UasCall
from simulator.media.sdp import NotAcceptable
from tests.plays.sip_network import CALLER, PHONES, SWITCH
from tests.plays.switch_lab import ALICE, BOB, SwitchLab


class Spoken:
    """A sound that writes down what it is told. `refuses` what the other side says."""

    def __init__(self, name: str, *, refuses: bool = False) -> None:
        self.name = name
        self.refuses = refuses
        self.told: list[str] = []

    def offer(self) -> bytes:
        return f"{self.name} offers".encode()

    def answer(self, offer: bytes) -> bytes:
        self.told.append(offer.decode())
        if self.refuses:
            raise NotAcceptable("nothing to talk by")
        return f"{self.name} answers".encode()

    def take_answer(self, answer: bytes) -> None:
        self.told.append(answer.decode())
        if self.refuses:
            raise NotAcceptable("nothing to talk by")

    def close(self) -> None:
        self.told.append("closed")


class Ear(CallListener):
    """Writes down what it hears of a call."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def rings(self, call: Call, now: float) -> None:
        self.heard.append("rings")

    def established(self, call: Call, now: float) -> None:
        self.heard.append("established")

    def ended(self, call: Call, now: float) -> None:
        self.heard.append("ended")


class Owner(PhoneListener, Ear):
    """The owner of a phone that rings until it is told what to do."""

    def __init__(self, sound: Sound | None = None) -> None:
        super().__init__()
        self.behaviour = RING_ONLY
        self.sound = sound
        self.planned: list[Behaviour] = []
        self.texts: list[str] = []
        self.call: UasCall

    def takes(self, taken: IncomingCall, planned: Behaviour) -> tuple[Behaviour, Sound | None]:
        self.planned.append(planned)
        return self.behaviour, self.sound

    def rings(self, call: Call, now: float) -> None:
        assert isinstance(call, UasCall)
        self.call = call
        super().rings(call, now)

    def got_text(self, taken: IncomingCall, now: float) -> None:
        self.texts.append(taken.body.decode())


class Home:
    """A switch, a caller, and alice's phone, whose owner is at home."""

    def __init__(self, sound: Sound | None = None, callers: Sound | None = None) -> None:
        self.lab = SwitchLab()
        self.owner = Owner(sound)
        self.lab.phones.owners[ALICE.number] = self.owner
        self.caller = Ear()
        self.callers_sound = callers
        self.placed: UacCall

    def is_called(
        self, number: str = ALICE.number, *, talk: float | None = None, cancel_after: float | None = None
    ) -> None:
        order = Order("call", "+6591234567", number, talk=talk, cancel_after=cancel_after)
        self.placed = self.lab.caller.call_aloud(order, self.callers_sound, self.caller)
        self.lab.network.settle()

    @property
    def now(self) -> float:
        return self.lab.network.now

    def settle(self) -> None:
        self.lab.network.settle()


def test_a_phone_rings_until_its_owner_answers_and_talks_until_they_hang_up() -> None:
    home = Home()
    home.is_called()
    home.lab.network.run(30)
    assert (home.owner.heard, home.caller.heard) == (["rings"], ["rings"])
    home.owner.call.respond(200, home.now)
    home.settle()
    assert (home.owner.heard[-1], home.caller.heard[-1]) == ("established", "established")
    home.owner.call.hang_up(home.now)
    home.settle()
    assert (home.owner.heard[-1], home.caller.heard[-1]) == ("ended", "ended")
    assert home.owner.call.record.bye_sent == home.now
    assert home.placed.record.bye_received == home.now
    assert home.lab.legs == 0


@pytest.mark.parametrize("refuse", [lambda call, now: call.hang_up(now), lambda call, now: call.respond(603, now)])
def test_an_owner_who_refuses_has_the_caller_hear_it(refuse: object) -> None:
    home = Home()
    home.is_called()
    assert callable(refuse)
    refuse(home.owner.call, home.now)
    home.settle()
    assert (home.placed.record.status, home.owner.call.record.status) == (603, 603)
    assert home.owner.heard == ["rings", "ended"]
    assert home.caller.heard == ["rings", "ended"]


def test_a_caller_who_gives_up_stops_the_ringing() -> None:
    home = Home()
    home.is_called(cancel_after=2.0)
    home.lab.network.run(3)
    assert home.owner.heard == ["rings", "ended"]
    home.owner.call.respond(200, home.now)
    home.owner.call.hang_up(home.now)
    home.settle()
    assert home.placed.record.status == 487


def test_a_caller_who_hangs_up_ends_the_owners_call() -> None:
    home = Home()
    home.is_called(talk=1.0)
    home.owner.call.respond(200, home.now)
    home.settle()
    home.lab.network.run(2)
    assert home.owner.heard == ["rings", "established", "ended"]


def test_an_owner_may_leave_it_to_what_was_planned() -> None:
    home = Home()
    planned = Behaviour(after=1.0)
    home.lab.phones.for_number[ALICE.number] = home.owner.behaviour = planned
    home.is_called()
    home.lab.network.run(2)
    assert home.owner.planned == [planned]
    assert home.owner.heard == ["rings", "established"]


def test_a_phone_that_is_busy_says_nothing_of_the_call() -> None:
    home = Home()
    home.owner.behaviour = Behaviour(status=486, rings=False)
    home.is_called()
    assert home.placed.record.status == 486
    assert home.owner.heard == ["ended"]


def test_an_owner_hears_of_nobody_elses_calls() -> None:
    home = Home()
    home.is_called(BOB.number, talk=0.1)
    home.lab.network.run(1)
    assert (home.owner.heard, home.placed.record.status) == ([], 200)


def test_an_owner_is_told_of_a_text() -> None:
    home = Home()
    home.lab.caller.text("Dinner at seven?")
    home.settle()
    assert home.owner.texts == ["Dinner at seven?"]


def test_both_sides_describe_their_sound_and_give_it_back() -> None:
    hers, his = Spoken("phone"), Spoken("caller")
    home = Home(hers, his)
    home.is_called(talk=1.0)
    home.owner.call.respond(200, home.now)
    home.lab.network.run(2)
    assert hers.told == ["caller offers", "closed"]
    assert his.told == ["phone answers", "closed"]


def test_a_refused_call_gives_its_sound_back() -> None:
    hers, his = Spoken("phone"), Spoken("caller")
    home = Home(hers, his)
    home.is_called()
    home.owner.call.hang_up(home.now)
    home.settle()
    assert (hers.told, his.told) == (["closed"], ["closed"])


def test_a_phone_that_cannot_talk_by_what_is_offered_says_so() -> None:
    home = Home(Spoken("phone", refuses=True))
    home.is_called()
    home.owner.call.respond(200, home.now)
    home.settle()
    assert home.placed.record.status == 488
    assert home.owner.heard == ["rings", "ended"]


def test_a_caller_that_cannot_talk_by_the_answer_hangs_up() -> None:
    home = Home(Spoken("phone"), Spoken("caller", refuses=True))
    home.is_called()
    home.owner.call.respond(200, home.now)
    home.settle()
    assert home.placed.record.bye_sent == home.now
    assert home.caller.heard == ["rings", "ended"]


def test_what_is_informed_within_a_call_reaches_the_other_side() -> None:
    home = Home()
    home.is_called()
    home.owner.call.respond(200, home.now)
    home.settle()
    home.owner.call.inform(b"Signal=5\r\nDuration=100\r\n", "application/dtmf-relay", home.now)
    home.settle()
    info = home.lab.network.last("INFO", SWITCH)
    assert (info.body, info.header("content-type")) == (b"Signal=5\r\nDuration=100\r\n", "application/dtmf-relay")
    assert "200 INFO" in " ".join(home.lab.network.between(SWITCH, CALLER))
    assert home.lab.network.last("INFO", PHONES).body == info.body
